#!/usr/bin/env bash
# What somebody else does on the server appears here, by counted requests: made, edited, renamed, moved, deleted; while a
# file is open here; when the stream of changes breaks. Then mass deletes, blocked extensions, scanners, notebooks, and a
# network that is gone for a while.
. "$(dirname "$0")/lib.sh"
e2e_begin changes
cat >"$work/scenario.json" <<'JSON'
{"tenants": [{"name": "contoso", "switches": {"delta_empty_pages": true, "delta_duplicates": true},
  "users": [{"name": "ana"}, {"name": "ben"}],
  "sites": [{"path": "/sites/a", "title": "A", "libraries": [{"path": "Shared Documents", "tree": {"items": [
    {"name": "one", "items": [{"name": "file.txt", "text": "old"}, {"name": "kept.txt", "text": "kept"}]},
    {"name": "two", "items": [{"name": "other.txt", "text": "other"}]},
    {"name": "Plans", "package": true},
    {"name": "many", "generate": {"files": 40, "size": 10}}]}}]}]}]}
JSON
tenant_start "$work/scenario.json"
policy_write "Tenants:" "  - contoso.onmicrosoft.com" "MetadataSeconds: 2" "MassDeleteThreshold: 10" \
    "ManagedMappings:" "  - 'https://contoso.sharepoint.com/sites/a/Shared Documents/one'" \
    "BlockedExtensions:" "  - .exe" "ScannerProcesses:" "  - head" "WriteMode: BeforeClose"
agent_start
sign_in
library=$root/contoso/a/"Shared Documents"
until_true 120 "the library" test -d "$library/one"

# `count PATH`: requests whose path matches, since the last `forget`
forget() { control clear-log >/dev/null; }
count() { grep -c -- "$1" "$tenant_state/requests.log"; }
edit() { control "$1" "{\"library\":\"/sites/a/Shared Documents\",\"user\":\"ben\",$2}" >/dev/null || fail "control $1 $2"; }
truth() { control item "{\"library\":\"/sites/a/Shared Documents\",\"path\":\"$1\"}" 2>/dev/null | jq -r "$2"; }
shows() { [ "$(find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | LC_ALL=C sort | xargs)" = "$2" ]; }
log_lines() { control requests '{"since":0}' | jq -r '.requests[] | "\(.method) \(.path)?\(.query // "")"'; }
requests() { log_lines | grep -Ec -- "$1"; }

part=$root/contoso/a/"Shared Documents~one" # a folder of it, mapped as well
ls "$library" "$library/one" "$library/two" "$library/many" "$part" >/dev/null
expect "one token for the library and a folder of it" 1 "$(requests 'delta\?.*token=latest')"

forget
edit write '"path":"one/new.txt","text":"made elsewhere"'
edit move '"path":"one/kept.txt","to":"two/renamed.txt"'
edit delete '"path":"two/other.txt"'
edit write '"path":"one/file.txt","text":"newer content"'
until_true 120 "a new file" shows "$library/one" "file.txt new.txt"
until_true 120 "a moved and a deleted file" shows "$library/two" "renamed.txt"
until_true 120 "the same in the mapped folder" shows "$part" "file.txt new.txt"
expect "no folder was listed again" 0 "$(requests /children)"
expect "nor any item asked for" 0 "$(requests '/items/[^/]*\?')"
expect "the edited file" "newer content" "$(cat "$library/one/file.txt")"
expect "the moved file" "kept" "$(cat "$library/two/renamed.txt")"
expect "the new file" "made elsewhere" "$(cat "$library/one/new.txt")"
expect "the edited file in the mapped folder" "newer content" "$(cat "$part/file.txt")"
expect "no second stream" 0 "$(requests 'delta\?.*token=latest')"

# an open file keeps its version, and its save overwrites nothing
exec 5<"$library/one/file.txt"
exec 6<>"$library/one/new.txt"
edit write '"path":"one/file.txt","text":"third content"'
edit write '"path":"one/new.txt","text":"theirs, which must stay"'
edited() { [ "$(stat -c %s "$library/one/new.txt")" != 14 ] || [ "$(requests 'GET .*delta')" -gt 3 ]; }
until_true 120 "changes of open files" edited
expect "an open file reads on in its version" "newer content" "$(cat <&5)"
exec 5<&-
printf 'OURS' >&6
exec 6>&- 2>/dev/null
until_true 120 "the third version" grep -q "third content" "$library/one/file.txt"
theirs=$(printf 'theirs, which must stay' | sha256sum | cut -d' ' -f1)
expect "a save over a foreign edit overwrites nothing" "$theirs" "$(truth one/new.txt .sha256)"

exec 6<>"$library/two/renamed.txt"
edit delete '"path":"two/renamed.txt"'
until_true 120 "a deleted file" shows "$library/two" ""
printf 'OURS' >&6
exec 6>&- 2>/dev/null
expect "a save brings nothing deleted back" "" "$(truth two/renamed.txt '.id // empty')"

# 410
forget
control resync '{"library":"/sites/a/Shared Documents"}' >/dev/null
edit write '"path":"one/after.txt","text":"after the break"'
until_true 120 "what came after the break" grep -q "after the break" "$library/one/after.txt"
until_true 120 "the same in the mapped folder" grep -q "after the break" "$part/after.txt"
expect "one new token for both" 1 "$(requests 'delta\?.*token=latest')"

# saved by one name while it is open by the other
exec 6<>"$part/after.txt"
echo "by the other name" >"$library/one/after.txt" || fail "a save in the library"
printf 'OURS' >&6
exec 6>&- 2>/dev/null
other=$(echo "by the other name" | sha256sum | cut -d' ' -f1)
expect "a save in one mapping overwrites none in the other" "$other" "$(truth one/after.txt .sha256)"

# nobody asks: what an open window shows is kept up to date
forget
edit write '"path":"one/seen.txt","text":"seen"'
polled() { [ "$(requests 'GET .*delta')" -gt 0 ]; }
until_true 120 "a question by the agent itself" polled

# idle costs nothing is a matter of minutes: see test_online_changes

# limits
expect "a notebook is a link" "[InternetShortcut]" "$(head -n 1 <"$library/Plans.url" | tr -d '\r')"
cp "$library/Plans.url" "$work/plans" || fail "reading a link"
grep -q '^URL=https://' "$work/plans" || fail "the link leads nowhere: $(cat "$work/plans")"
rm -f "$library/Plans.url" 2>/dev/null && fail "a notebook was deleted"
touch "$library/virus.exe" 2>/dev/null && fail "a blocked extension was made"
pass "blocked extensions are refused"
edit write '"path":"one/scan.txt","text":"scan me"'
until_true 120 "a file to scan" test -e "$library/one/scan.txt"
LC_ALL=C head -c 1 "$library/one/scan.txt" 2>"$work/scan.err" && fail "a scanner caused a download"
grep -q "Permission denied" "$work/scan.err" || fail "scanner: $(cat "$work/scan.err")"
expect "others read it" "scan me" "$(cat "$library/one/scan.txt")"
expect "and then the scanner too" "s" "$(head -c 1 "$library/one/scan.txt")"

rm -f "$library"/many/* 2>"$work/rm.err" && fail "mass delete: all went"
grep -q "Permission denied" "$work/rm.err" || fail "mass delete: $(head -n 1 "$work/rm.err")"
expect "the delete that crosses the threshold and all after it failed" 30 "$(ls "$library/many" | wc -l)"
mooring status >"$work/status.txt"
grep -q "DELETES .*paused" "$work/status.txt" || fail "status says nothing of paused deletes"
mooring deletes >/dev/null
expect "mooring deletes exits 1" 1 $?
mooring deletes allow --minutes 0 >/dev/null 2>&1 && fail "0 minutes"
mooring deletes allow --minutes 5 >/dev/null || fail "deletes allow"
rm -f "$library"/many/* || fail "deleting what was allowed"
expect "then all goes" 0 "$(ls "$library/many" | wc -l)"

# the network is gone: errors in time, and everything back after it
cat "$library/one/file.txt" >/dev/null
exec 5<"$library/one/file.txt"
control faults '{"match":{"host":"graph"},"count":-1,"action":{"stall":true}}' >/dev/null
control faults '{"match":{"host":"content"},"count":-1,"action":{"stall":true}}' >/dev/null
edit write '"path":"one/unseen.txt","text":"unseen"'
unanswered() {
    (exec timeout -s INT 2 cat "$library/two/../many/none-$$" 2>/dev/null)
    [ $? = 124 ]
}
until_true 120 "a look-up that memory does not answer" unanswered # nor any later one: all is older than MetadataSeconds
cp "$library/one/seen.txt" "$work/stuck" 2>"$work/cp.err" &
stuck=$!
# Not before it is `cp` and waits: until then it is a shell, and bash loses a SIGTERM that comes between fork and exec.
waits() { [[ "$(cat "/proc/$stuck/stat" 2>/dev/null)" == *"(cp) "[SD]* ]]; }
until_true 120 "a stuck copy" waits
kill -INT $stuck 2>/dev/null
kill -TERM $stuck 2>/dev/null
gone() { ! kill -0 $stuck 2>/dev/null; }
until_true 120 "the end of an interrupted copy" gone
wait $stuck 2>/dev/null
expect "an interrupted copy ends by its signal" 143 $?
expect "an open file is read from the cache" "third content" "$(cat <&5)"
exec 5<&-
control clear-faults >/dev/null
until_true 120 "the network's return" grep -q unseen "$library/one/unseen.txt"
pass "everything is back"
agent_stop
pass "the end"
