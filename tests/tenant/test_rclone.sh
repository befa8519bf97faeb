#!/bin/bash
# A client that nobody here wrote uses the simulated tenant: rclone's onedrive backend lists, uploads,
# downloads, moves and deletes, and each result is checked on the server's side.
#
# rclone has fixed host names, so this runs in mount and network namespaces of its own: with its own
# /etc/hosts, its own loopback, and port 443 free. Nothing of the machine is changed.
#
# usage: test_rclone.sh MOORING-TENANT      exit 77: this machine allows no namespaces, or has no rclone
set -euo pipefail

tenant=$(realpath "$1")
here=$(realpath "$(dirname "$0")")

if [ "${2:-}" != --inside ]; then
    command -v rclone >/dev/null || { echo "skipped: rclone is not installed"; exit 77; }
    flags=(--mount --net)
    [ "$(id -u)" = 0 ] || flags=(--user --map-root-user "${flags[@]}")
    unshare "${flags[@]}" true 2>/dev/null || { echo "skipped: unshare ${flags[*]} is not allowed here"; exit 77; }
    exec unshare "${flags[@]}" --kill-child "$(realpath "$0")" "$tenant" --inside
fi

work=$(mktemp -d)
pid=
cleanup() {
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$work/state/requests.log" >&2 || true
    exit 1
}
same() { # what, wanted, got
    [ "$2" = "$3" ] || fail "$1: $(diff <(echo "$2") <(echo "$3"))"
    echo "ok: $1"
}

# --- the namespace ---------------------------------------------------------------------------------
ip link set lo up
printf '127.0.0.1 localhost login.microsoftonline.com graph.microsoft.com %s\n' \
    'contoso.sharepoint.com contoso-my.sharepoint.com' >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts
export HOME="$work/home" XDG_CONFIG_HOME="$work/home/.config" XDG_CACHE_HOME="$work/home/.cache"
mkdir -p "$HOME" "$XDG_CONFIG_HOME" "$XDG_CACHE_HOME"
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

"$tenant" --scenario "$here/scenarios/tiny.json" --state "$work/state" --port 443 --max-seconds 280 \
    --graph-url https://graph.microsoft.com --login-url https://login.microsoftonline.com \
    --content-url https://contoso.sharepoint.com --die-with-parent &
pid=$!
for _ in $(seq 100); do
    [ -f "$work/state/tenant.json" ] && break
    kill -0 "$pid" 2>/dev/null || fail "the tenant did not start"
    sleep 0.1
done
control() { "$tenant" control "$work/state" "$@"; }
answer() { control "$1" "$2" | jq -r "$3"; }

# --- rclone's configuration: a token that has expired, so that it has to refresh --------------------
rclone_app=b15665d9-eda6-4092-8539-0eec376afd59
control signin '{"tenant":"contoso","accept_client_secret":true}' >/dev/null
# rclone's HTTP library sends the token along when it follows the redirect to the content host; the real one
# does not mind, the simulated one does unless told.
control switch '{"tenant":"contoso","name":"content_accepts_authorization","value":true}' >/dev/null
refresh=$(answer mint "{\"user\":\"ana\",\"client_id\":\"$rclone_app\",\"scope\":\"Files.ReadWrite.All Sites.Read.All\"}" .refresh_token)
drive_id() { answer libraries '{"tenant":"contoso"}' ".libraries[] | select(.path==\"$1\") | .id"; }
add_remote() { # name, drive id, type
    cat >>"$work/rclone.conf" <<END
[$1]
type = onedrive
token = {"access_token":"stale","token_type":"Bearer","refresh_token":"$refresh","expiry":"2020-01-01T00:00:00Z"}
drive_id = $2
drive_type = $3

END
}
add_remote shared "$(drive_id '/sites/finance/Shared Documents')" documentLibrary
add_remote reports "$(drive_id '/sites/finance/Reports')" documentLibrary
rc() {
    rclone --config "$work/rclone.conf" --ca-cert "$work/state/ca.pem" --retries 1 --low-level-retries 3 \
        --timeout 30s --contimeout 10s "$@" 2>>"$work/rclone.log" || {
        tail -n 20 "$work/rclone.log" >&2
        fail "rclone $*"
    }
}
reports='"library":"/sites/finance/Reports"'
server_tree() { # library, path: "sha256 name" of each file below it, named from there
    answer tree "{\"library\":\"$1\",\"path\":\"$2\"}" '.items[] | select(.folder|not) | "\(.sha256) \(.path)"' | LC_ALL=C sort -k 2
}
local_tree() { (cd "$1" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum | sed 's/  / /' | LC_ALL=C sort -k 2); }

# --- list ------------------------------------------------------------------------------------------
same "list the root" "Budget/ General/ Locked.docx Many/ Virus.txt readme.txt " "$(rc lsf shared: | LC_ALL=C sort | tr '\n' ' ')"
same "list a folder of 450 files, by pages" 450 "$(rc lsf shared:Many | wc -l)"
same "the token was refreshed once" 1 "$(answer requests '{}' '[.requests[] | select(.host=="login" and (.path|endswith("/token")) and .status==200)] | length')"

# --- download --------------------------------------------------------------------------------------
rc copy shared:Many "$work/many"
rc copy shared:Budget "$work/budget"
same "downloads have the server's bytes" "$(server_tree '/sites/finance/Shared Documents' Many | sha256sum)" "$(local_tree "$work/many" | sha256sum)"
same "names with umlauts, blanks, percent and hash" "$(server_tree '/sites/finance/Shared Documents' Budget)" "$(local_tree "$work/budget")"

# --- upload ----------------------------------------------------------------------------------------
mkdir -p "$work/up/Über uns/deep/er" "$work/up/empty"
for n in $(seq 40); do
    head -c $((n * 997)) /dev/urandom >"$work/up/Über uns/file $n.bin"
done
: >"$work/up/zero.txt"
printf 'percent' >"$work/up/100% #1.txt"
printf 'deep' >"$work/up/Über uns/deep/er/x.txt"
head -c 26214400 /dev/urandom >"$work/up/large.bin"
rc copy --create-empty-src-dirs --onedrive-chunk-size 10M "$work/up" reports:up
same "uploads arrive unchanged" "$(local_tree "$work/up")" "$(server_tree /sites/finance/Reports up)"
same "the large file went by an upload session" true "$(answer requests '{}' '[.requests[] | select(.path|endswith("createUploadSession"))] | length > 0')"
same "an empty folder was made" true "$(answer item "{$reports,\"path\":\"up/empty\"}" .folder)"
rc check --onedrive-chunk-size 10M "$work/up" reports:up
same "rclone's own hash agrees (quickXorHash)" 0 "$(rc hashsum quickxor reports:up/large.bin | awk '{print length($1) != 40}')"
rc copy --create-empty-src-dirs reports:up "$work/back"
diff -r "$work/up" "$work/back" || fail "what came back differs"
echo "ok: downloads equal what was uploaded"

# --- overwrite -------------------------------------------------------------------------------------
before=$(answer item "{$reports,\"path\":\"up/100% #1.txt\"}" '"\(.id) \(.versions)"')
printf 'second' >"$work/up/100% #1.txt"
rc copyto --ignore-times "$work/up/100% #1.txt" "reports:up/100% #1.txt"
after=$(answer item "{$reports,\"path\":\"up/100% #1.txt\"}" '"\(.id) \(.versions)"')
same "an overwritten file keeps its id" "${before% *}" "${after% *}"
[ "${before##* }" -lt "${after##* }" ] || fail "overwriting made no version: $before, $after"

# --- move and delete -------------------------------------------------------------------------------
rc moveto reports:up/large.bin "reports:moved/renamed large.bin"
same "a moved file is there" 26214400 "$(answer item "{$reports,\"path\":\"moved/renamed large.bin\"}" .size)"
rc moveto "reports:up/Über uns" reports:up/about
same "a renamed folder has its files" 41 "$(server_tree /sites/finance/Reports up/about | wc -l)"
rc deletefile reports:up/zero.txt
same "a deleted file is gone" "" "$(server_tree /sites/finance/Reports up | grep zero || true)"
rc purge reports:up/about
same "a purged folder is gone" "2025.txt moved up " "$(rc lsf reports: | tr -d / | LC_ALL=C sort | tr '\n' ' ')"
same "quota is told" true "$(rc about --json reports: | jq '.total > 0 and .used > 0')"

bad=$(answer requests '{}' '.requests[] | select(.status >= 500 or .status == 400 or .status == 401) | "\(.method) \(.path) \(.status)"')
same "no request was refused as wrong" "" "$bad"
echo "all good: $(answer stats '{}' .requests) requests"
