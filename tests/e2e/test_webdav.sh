#!/usr/bin/env bash
# The WebDAV gateway over the online file system: litmus, the save of WebClient, ranges, a tree by rclone, switching the
# transport while the agent runs, and falling back to it where nothing can be mounted.
. "$(dirname "$0")/lib.sh"
e2e_begin webdav
command -v litmus >/dev/null || {
    echo "SKIP: litmus is not installed"
    exit 77
}
tenant_start "$(dirname "$0")/../tenant/scenarios/demo.json"
policy_write "Tenants:" "  - contoso.onmicrosoft.com" "Transport: WebDav" "MetadataSeconds: 2" "MassDeleteThreshold: 0"
agent_start
sign_in

expect "status names the transport" webdav "$(status .transport.name)"
url=$(status .transport.url)
password_file=$(status .transport.passwordFile)
expect "the password is for this user alone" 600 "$(stat -c %a "$password_file")"
password=$(cat "$password_file")
# curl and rclone read the password from files: it is in no process list
printf 'user = "mooring:%s"\n' "$password" >"$work/curlrc"
dav() { curl -sS -K "$work/curlrc" --max-time 60 "$@"; }
code() { dav -o /dev/null -w '%{http_code}' "$@"; }
library=${url}contoso/finance/Shared%20Documents/
truth() { control "${3:-item}" "{\"tenant\":\"contoso\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"$1\"}" | jq -r "$2"; }

expect "without the password" 401 "$(curl -sS -o /dev/null -w '%{http_code}' "$url")"
expect "a listing" 207 "$(code -X PROPFIND -H 'Depth: 1' "$library")"
expect "5,000 entries are listed" 5001 \
    "$(dav -X PROPFIND -H 'Depth: 1' "${library}Five%20thousand/" | grep -c '<D:href>')"
expect "a range is read" "travel" "$(dav -r 4-9 "${library}Budget%202026/Notes%20to%20the%20budget.txt")"

# What WebClient sends when a program saves a new document (windows-facts 3.7).
head -c 70000 /dev/urandom >"$work/document"
cat >"$work/lockinfo" <<XML
<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>CONTOSO\\me</D:href></D:owner></D:lockinfo>
XML
cat >"$work/times" <<XML
<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32LastModifiedTime>Thu, 02 Jan 2020 03:04:05 GMT</Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>
XML
agent=(-A 'Microsoft-WebDAV-MiniRedir/10.0.19045' -H 'translate: f')
# What was only made waits 3 seconds for its content. Where that came later, as the machine had other things to do, the empty
# file was a version of its own: then all is done again, with another name.
save_new() { # NAME: sets $doc; false: it was not quick enough
    local start early
    doc=${library}$1
    start=$(date +%s%N)
    expect "PROPFIND of a new name" 404 "$(code "${agent[@]}" -X PROPFIND -H 'Depth: 0' "$doc")"
    expect "PUT of nothing" 201 "$(code "${agent[@]}" -X PUT -H 'Content-Length: 0' "$doc")"
    token=$(dav "${agent[@]}" -D - -o /dev/null -X LOCK -H 'Timeout: Second-3600' --data-binary "@$work/lockinfo" "$doc" |
        sed -n 's/^Lock-Token: <\(.*\)>.*/\1/p')
    [ -n "$token" ] || fail "no lock"
    expect "PROPPATCH of the times" 207 "$(code "${agent[@]}" -X PROPPATCH -H "If: (<$token>)" --data-binary "@$work/times" "$doc")"
    expect "HEAD" 200 "$(code "${agent[@]}" -I "$doc")"
    early=$(truth "$1" '.id // empty' 2>/dev/null)
    expect "PUT without the token" 423 "$(code "${agent[@]}" -T "$work/document" "$doc")"
    expect "PUT of the content" 204 "$(code "${agent[@]}" -H "If: (<$token>)" -T "$work/document" "$doc")"
    [ $((($(date +%s%N) - start) / 1000000)) -lt 2900 ] || return 1
    expect "nothing was on the server before" "" "$early"
}
for round in $(seq 20); do
    name=saved$round.docx
    save_new "$name" && break
    echo "     $round: not quick enough, again"
    name=
done
[ -n "$name" ] || fail "never quick enough"
expect "UNLOCK" 204 "$(code "${agent[@]}" -X UNLOCK -H "Lock-Token: <$token>" "$doc")"
expect "it is on the server" "$(sha256sum <"$work/document" | cut -d' ' -f1)" "$(truth "$name" .sha256)"
expect "as one version" 1 "$(truth "$name" .versions)"

# Over an existing file: the same item, one version more; chunked as well.
id=$(truth "$name" .id)
head -c 900000 /dev/urandom >"$work/document"
expect "a chunked PUT replaces" 204 "$(code -H 'Transfer-Encoding: chunked' -T "$work/document" "$doc")"
expect "the same item" "$id" "$(truth "$name" .id)"
expect "one version more" 2 "$(truth "$name" .versions)"
dav "$doc" | cmp -s - "$work/document" || fail "GET gives other bytes"
pass "GET gives what PUT took"
expect "a copy" 201 "$(code -X COPY -H "Destination: ${library}copy.docx" "$doc")"
expect "the copy is whole" "$(sha256sum <"$work/document" | cut -d' ' -f1)" "$(truth copy.docx .sha256)"
expect "a move" 201 "$(code -X MOVE -H "Destination: ${library}moved.docx" "$doc")"
moved_there() { [ "$(truth moved.docx '.id // empty' 2>/dev/null)" = "$id" ]; }
until_true 120 "the move on the server" moved_there
pass "the move kept the item"
expect "a library cannot be deleted" 403 "$(code -X DELETE "$library")"
expect "and all is there" 200 "$(code -I "${library}moved.docx")"

mkdir "$work/litmus"
expect "a folder for litmus" 201 "$(code -X MKCOL "${library}litmus-here/")"
for suite in basic copymove props locks http; do
    (cd "$work/litmus" && TESTS=$suite litmus "${library}litmus-here/" mooring "$password") >"$work/litmus/$suite" 2>&1
    grep -E 'FAIL|WARNING|SKIPPED' "$work/litmus/$suite"
    grep -q ' 0 failed' "$work/litmus/$suite" || fail "litmus $suite: $(tail -n 3 "$work/litmus/$suite")"
    pass "litmus $suite: $(sed -n 's/.*of \(.*\) tests run.*/\1/p' "$work/litmus/$suite") tests"
done

if command -v rclone >/dev/null; then
    mkdir -p "$work/tree/a/b"
    for i in $(seq 30); do echo "file $i" >"$work/tree/a/b/number $i.txt"; done
    head -c 3000000 /dev/urandom >"$work/tree/a/large.bin"
    cat >"$work/rclone.conf" <<CONF
[dav]
type = webdav
url = $library
vendor = other
user = mooring
pass = $(rclone obscure - <"$password_file")
CONF
    rclone() { command rclone --config "$work/rclone.conf" "$@"; }
    rclone copy "$work/tree" dav:tree >"$work/rclone.out" 2>&1 || fail "rclone copy: $(tail -n 3 "$work/rclone.out")"
    rclone check --download "$work/tree" dav:tree >"$work/rclone.out" 2>&1 ||
        fail "rclone check: $(tail -n 3 "$work/rclone.out")"
    pass "rclone copies a tree, and finds it equal"
fi

# Live: the same libraries become a mount, and come back.
cp "$policy" "$work/policy.dav"
sed 's/^Transport: .*/Transport: Np/' "$work/policy.dav" >"$policy.new" && mv "$policy.new" "$policy"
is_np() { [ "$(status .transport.name)" = np ] && [ -e "$root/contoso/finance/Shared Documents/moved.docx" ]; }
until_true 120 "the switch to a mount" is_np
pass "Transport switches to a mount while the agent runs"
cp "$work/policy.dav" "$policy.new" && mv "$policy.new" "$policy"
is_dav() { [ "$(status .transport.name)" = webdav ]; }
until_true 120 "the switch back" is_dav
url=$(status .transport.url)
expect "and back" 200 "$(code -I "${url}contoso/finance/Shared%20Documents/moved.docx")"
if grep -rqF "$password" "$work/state/mooring/mooring.log" "$work/agent.out"; then
    fail "the password is in the log"
fi
pass "the password is in no log"
agent_stop

# Auto, where the device of FUSE is none.
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    sed 's/^Transport: .*/Transport: Auto/' "$work/policy.dav" >"$policy"
    # shellcheck disable=SC2016
    HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
        XDG_RUNTIME_DIR="$work/run" unshare -m sh -c 'mount --bind /dev/null /dev/fuse && exec "$@"' sh \
        "$MOORING_BIN/mooring" agent --policy "$policy" >>"$work/agent.out" 2>&1 &
    agent_pid=$!
    until_true 120 "start of the agent" agent_answers
    expect "Auto falls back" webdav "$(status .transport.name)"
    [ -n "$(status '.transport.fallback // empty')" ] || fail "status does not say why"
    mooring status >"$work/status.txt"
    grep -q "instead of a mount, since " "$work/status.txt" || fail "mooring status: $(cat "$work/status.txt")"
    pass "and says why: $(status .transport.fallback)"
    agent_stop
fi
