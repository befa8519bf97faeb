#!/usr/bin/env bash
# Without CaFile the system's CAs are trusted, and no others: by OpenSSL's folder of hashes where it is up to date, else by the
# file of all of them. In a mount namespace with a folder of its own in the place of the system's.
if [ "${E2E_NAMESPACE:-}" != yes ]; then
    flags=(--mount --propagation private)
    [ "$(id -u)" = 0 ] || flags+=(--user --map-root-user)
    unshare "${flags[@]}" true 2>/dev/null || { echo "SKIP: unshare ${flags[*]} is not allowed here"; exit 77; }
    E2E_NAMESPACE=yes exec unshare "${flags[@]}" bash "$0"
fi
. "$(dirname "$0")/lib.sh"
e2e_begin system_trust
system=/etc/ssl/certs
[ -f $system/ca-certificates.crt ] || { echo "SKIP: this system keeps its CAs elsewhere"; exit 77; }
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")
policy_write "Tenants: [$domain]"
sed -i '/^CaFile:/d' "$policy"
mkdir "$work/certs"
cp $system/ca-certificates.crt "$work/others.crt"
openssl x509 -in "$work/others.crt" -out "$work/other.pem" || fail "the first of the system's CAs"
mount --bind "$work/certs" $system || { echo "SKIP: nothing can be mounted over $system here"; exit 77; }

# folder_has FILE...: these, hashed; beside them a file of CAs, which is the older one
folder_has() {
    rm -f $system/*
    cp "$work/others.crt" $system/ca-certificates.crt
    touch -d '1 hour ago' $system/ca-certificates.crt
    for file in "$@"; do cp "$file" $system/; done
    openssl rehash $system 2>/dev/null || fail "openssl rehash"
}
hosts() {
    mooring doctor --policy "$policy" --json >"$work/doctor.json"
    jq -r '[.checks[] | select(.name == "login host" or .name == "Graph host") | .level] | join(",")' "$work/doctor.json"
}

folder_has "$ca_file"
expect "the folder of hashes is enough" ok,ok "$(hosts)"
agent_start
sign_in
pass "for the agent, too"
agent_stop

folder_has "$work/other.pem"
expect "a CA that the system does not have is not trusted" failed,failed "$(hosts)"
cat "$ca_file" >>$system/ca-certificates.crt
expect "what was appended to the file is trusted" ok,ok "$(hosts)"
rm $system/*.[0-9]
touch -d '2 hours ago' $system/ca-certificates.crt
expect "and so is a file without a folder of hashes" ok,ok "$(hosts)"
