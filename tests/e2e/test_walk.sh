#!/usr/bin/env bash
# 10,000 files in 100 folders: find, what git status does, and grep -r; fio with checks. The tenant counts the requests.
. "$(dirname "$0")/lib.sh"
e2e_begin walk
cat >"$work/walk.json" <<'JSON'
{"tenants": [{"name": "contoso", "users": [{"name": "ana", "display_name": "Ana Ruiz", "onedrive": false}],
  "sites": [{"path": "/sites/archive", "title": "Archive", "libraries": [
    {"path": "Walk", "title": "Walk", "tree": {"generate": {"folders": 100, "depth": 1, "files_per_folder": 100,
      "size": 200, "size_max": 2000, "extensions": "txt,docx"}}},
    {"path": "Work", "title": "Work"}]}]}]}
JSON
tenant_start "$work/walk.json"
policy_write "Tenants: [contoso.onmicrosoft.com]" "RequestSoftLimit: 0" "MetadataSeconds: 300" "WriteMode: Background"
agent_start
sign_in ana
walk=$root/contoso/archive/Walk
[ -d "$walk" ] || walk=$(status '[.mappings[].path | select(endswith("Walk"))][0]')
count() { # requests to Graph and for content since the log was cleared; those inside a batch count
    control requests | jq "[.requests[] | select(.host == \"$1\")] | length"
}
begin() { control clear-log >/dev/null; }

begin
expect "find sees every file" 10000 "$(find "$walk" -type f | wc -l)"
listing=$(count graph)
[ "$listing" -le 330 ] || fail "find made $listing requests for 101 folders"
pass "find: $listing requests for 101 folders"

begin
expect "what git status does: every file's size and time" 10000 "$(find "$walk" -type f -printf '%s %T@\n' | wc -l)"
again=$(count graph)
[ "$again" -le 20 ] || fail "a walk through what is known made $again requests"
pass "again, with sizes and times: $again requests"

begin
timeout 250 grep -r -c nothing-has-this "$walk" >"$work/grep" 2>"$work/err"
expect "grep -r reads every file" 10000 "$(wc -l <"$work/grep")"
expect "without an error" "" "$(head -c 300 "$work/err")"
reading=$(count graph)
content=$(count content)
[ "$content" -le 10100 ] || fail "grep -r made $content downloads of 10,000 files"
[ "$reading" -le 10300 ] || fail "grep -r made $reading requests for 10,000 files"
pass "grep -r: $content downloads, $reading other requests"

# --- fio: what it wrote, it reads back and checks
if command -v fio >/dev/null; then
    mkdir "$root/contoso/archive/Work/fio" || fail "mkdir"
    begin
    # from a folder of the test: fio leaves the state of its checks where it is started
    (cd "$work" && fio --name=mixed --directory="$root/contoso/archive/Work/fio" --rw=randrw --bs=16k --size=4m --numjobs=2 --nrfiles=2 --ioengine=psync \
        --verify=crc32c --verify_fatal=1 --do_verify=1 --fallocate=none --output="$work/fio.out" 2>"$work/fio.err") ||
        fail "fio: $(tail -n 5 "$work/fio.out" "$work/fio.err")"
    pass "fio writes at random and reads back what it wrote"
    sent() { [ "$(mooring uploads list --json | jq '.uploads | length')" = 0 ]; }
    until_true 120 "fio's files" sent
    expect "its files are on the server, each once" "4 4" "$(control tree '{"library":"/sites/archive/Work","path":"fio"}' |
        jq -r '[.items[] | select(.folder | not)] | "\(length) \([.[] | select(.size == 2097152)] | length)"')"
    # it lays its files out, and writes and syncs them again: some saves of each, and never one of a block
    made=$(($(count graph) + $(count content)))
    [ "$made" -le 60 ] || fail "fio's four files took $made requests"
    pass "with $made requests"
else
    echo "skip fio: it is not installed"
fi
agent_stop
