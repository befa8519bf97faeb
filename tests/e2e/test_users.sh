#!/usr/bin/env bash
# An ordinary user without root does the main job, and another user cannot enter his files, socket or mount. Needs root (to
# become other users) and changes nothing outside a private mount namespace.
. "$(dirname "$0")/lib.sh"
if [ "$(id -u)" != 0 ]; then
    echo "SKIP: only root can become two other users (the other tests run as an ordinary user then)"
    exit 77
fi
if [ -z "${E2E_NAMESPACE:-}" ]; then
    E2E_NAMESPACE=yes exec unshare --mount --propagation private bash "$0"
fi
e2e_begin users
# a device that both may open, and a passwd in which they have names: fusermount3 looks its caller up
mknod -m 0666 "$work/fuse" c 10 229 && mount --bind "$work/fuse" /dev/fuse || { echo "SKIP: no device can be made here"; exit 77; }
printf '%s\n' 'one:x:61001:61001::/nonexistent:/bin/sh' 'two:x:61002:61002::/nonexistent:/bin/sh' |
    cat /etc/passwd - >"$work/passwd"
mount --bind "$work/passwd" /etc/passwd
chmod 755 "$work"

# USER: sets $as, the beginning of a command that runs with the environment of that user's session. An array and not a
# function, so that in the background the pid is the program's own.
become() {
    as=(setpriv --reuid "$1" --regid "$1" --clear-groups env -i "PATH=$PATH" "HOME=$work/$1" "XDG_STATE_HOME=$work/$1/state"
        "XDG_CACHE_HOME=$work/$1/cache" "XDG_CONFIG_HOME=$work/$1/config" "XDG_RUNTIME_DIR=$work/$1/run")
}
for user in 61001 61002; do
    mkdir -p "$work/$user/run"
    chown -R $user:$user "$work/$user"
    chmod 755 "$work/$user"
    chmod 700 "$work/$user/run"
done
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
cp "$ca_file" "$work/ca.pem"
chmod 644 "$work/ca.pem"
ca_file=$work/ca.pem
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")
start_as() {
    root=$work/$1/mnt
    policy_write "Tenants: [$domain]"
    mv "$policy" "$work/$1/policy.yaml"
    chown "$1:$1" "$work/$1/policy.yaml"
    become "$1"
    "${as[@]}" "$MOORING_BIN/mooring" agent --policy "$work/$1/policy.yaml" >"$work/$1/agent.out" 2>&1 &
    pids="$pids $!"
}
json_as() {
    become "$1"
    "${as[@]}" "$MOORING_BIN/mooring" status --json 2>/dev/null
}
ready_as() {
    local code
    code=$(json_as "$1" | jq -r '.accounts[0].userCode // empty')
    [ -n "$code" ] && control device "{\"action\":\"approve\",\"tenant\":\"$domain\",\"user_code\":\"$code\"}" >/dev/null
    [ "$(json_as "$1" | jq -r '[.accounts[] | select(.discovered)] | length')" = 1 ]
}
pids=
end_both() {
    local code=$?
    [ -z "$pids" ] || kill $pids
    (exit $code)
    e2e_end
}
trap end_both EXIT
start_as 61001
start_as 61002
until_true 120 "sign-in of the first user" ready_as 61001
until_true 120 "sign-in of the second user" ready_as 61002
pass "two users run an agent each, without root"
become 61001
folder=$("${as[@]}" find "$work/61001/mnt" -mindepth 3 -maxdepth 3 -type d | head -n 1)
[ -n "$folder" ] || fail "the first user sees no library"
"${as[@]}" sh -c "echo mine >'$folder/of one.txt' && cat '$folder/of one.txt'" | grep -q mine || fail "the first user cannot write"
pass "an ordinary user reads and writes"

denied() {
    local name=$1
    shift
    become 61002
    if "${as[@]}" "$@" >"$work/out" 2>&1; then fail "$name: the second user got in: $(head -c 200 "$work/out")"; fi
    pass "$name is closed to others"
}
denied "the mount" ls "$work/61001/mnt"
denied "a file in it" cat "$folder/of one.txt"
denied "the state folder" ls "$work/61001/state/mooring"
denied "the tokens" sh -c "cat '$work'/61001/state/mooring/tokens/*"
denied "the cache" ls "$work/61001/cache/mooring"
denied "the control socket" env XDG_STATE_HOME="$work/61001/state" XDG_RUNTIME_DIR="$work/61001/run" "$MOORING_BIN/mooring" status
for pid in $pids; do
    kill "$pid"
done
for pid in $pids; do
    wait "$pid" || fail "an agent ended with $? after SIGTERM"
done
pids=
grep -q " $work/6100.*fuse" /proc/self/mountinfo && fail "a mount is left"
pass "both end cleanly"

# where the device is closed, the agent says so and how to mend it
umount /dev/fuse
mknod -m 0600 "$work/closed" c 10 229 && mount --bind "$work/closed" /dev/fuse
echo "Transport: Np" >>"$work/61001/policy.yaml" # Auto would serve WebDAV instead
become 61001
if "${as[@]}" "$MOORING_BIN/mooring" agent --policy "$work/61001/policy.yaml" >"$work/closed.out" 2>&1; then
    fail "an agent started without the device"
fi
grep -q "/dev/fuse" "$work/closed.out" || fail "the message does not name the device: $(cat "$work/closed.out")"
pass "a closed device is named: $(tail -n 1 "$work/closed.out" | cut -c 1-150)"
