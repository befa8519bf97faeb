#!/usr/bin/env bash
# The line is dead, or hangs: programs can be interrupted, get errors within the deadline, read what is here, and everything
# goes on when the line is back.
. "$(dirname "$0")/lib.sh"
e2e_begin dead_line
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")
tenant=${domain%%.*}
BOUND=150 # seconds, of whatever has a deadline; it ends long before
policy_write "Tenants: [$domain]" "WriteMode: Background" "MetadataSeconds: 300"
agent_start
sign_in ana
library=$(status '[.mappings[].path | select(endswith("finance/Shared Documents"))][0]')
case $library in /*) ;; *) library=$root/$library ;; esac
put() { # name size
    control write "{\"tenant\":\"$tenant\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"$1\",\"size\":$2,\"seed\":7}" >/dev/null ||
        fail "the tenant refused $1"
}
put here.bin 300000
put there.bin 300000
put huge.bin 300000000
ls "$library" >/dev/null || fail "the library does not list"
fault() { control faults "$1" >/dev/null || fail "fault rule refused: $1"; }

# --- a copy that hangs is interrupted
fault '{"match":{"host":"content"},"count":-1,"action":{"stall":true}}'
timeout -k $BOUND -s INT 3 cp "$library/huge.bin" "$work/copy"
expect "Ctrl-C ends a copy that hangs" 124 $? # 137: it had to be killed
fault '{"match":{"host":"graph"},"count":-1,"action":{"stall":true}}'
timeout -k $BOUND -s INT 3 ls "$library/Budget" >/dev/null 2>&1
expect "and a listing" 124 $?
control clear-faults >/dev/null
expect "which go on when they are asked again" 20000 "$(wc -c <"$library/Budget/Budget 2026.xlsx")"

# --- a line that hangs: what is here is read, the rest is an error in time
sha256sum <"$library/here.bin" >"$work/sum"
exec 7<"$library/here.bin" 8<"$library/there.bin" 9>"$library/saved.txt"
fault '{"match":{},"count":-1,"action":{"stall":true}}'
sha256sum <&7 | cmp - "$work/sum" || fail "an open file whose content is here is not read"
pass "an open file whose content is here is read"
start=$SECONDS
timeout -k 5 $BOUND cat <&8 >/dev/null 2>"$work/err"
code=$?
[ $code != 0 ] && [ $code != 124 ] && [ $code != 137 ] || fail "a file that is not here: exit $code after $((SECONDS - start)) s"
pass "a file that is not here is an error in time: $(sed 's/.*: //' "$work/err")"
echo "saved without a line" >&9 && exec 9>&- || fail "a save without a line"
pass "what was open is saved into the journal"
control clear-faults >/dev/null
control reset-connections >/dev/null

# --- and back
back() { sha256sum <"$library/there.bin" >"$work/back" 2>/dev/null; }
until_true $BOUND "the line being used again" back
expect "an open file that had no answer has one" 300000 "$(wc -c <&8)"
exec 7<&- 8<&-
arrived() { mooring uploads retry >/dev/null; [ "$(mooring uploads list --json | jq '.uploads | length')" = 0 ]; }
until_true 120 "the save that waited" arrived
expect "what was saved is on the server" "$(echo "saved without a line" | sha256sum | cut -d' ' -f1)" \
    "$(control item "{\"tenant\":\"$tenant\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"saved.txt\"}" | jq -r .sha256)"

# --- a line that is cut; what is known is worked with
ls -l "$library" "$library/General" >/dev/null
exec 7<"$library/here.bin"
cat <&7 >/dev/null
exec 7<&-
exec 7<"$library/here.bin"
control pause '{"seconds":300}' >/dev/null
sha256sum <&7 | cmp - "$work/sum" || fail "an open file is not read while the line is cut"
exec 7<&-
timeout -k 5 $BOUND ls "$library/Many" >/dev/null 2>"$work/err" && fail "a folder that nobody listed is listed without a line"
pass "a folder that was not listed is an error: $(sed 's/.*: //' "$work/err")"
rm "$library/saved.txt" || fail "a delete without a line"
mv "$library/readme.txt" "$library/readme.bak" || fail "a rename without a line, as a step of a save"
settling() { [ "$(mooring uploads list --json | jq '[.uploads[] | select(.state == "settling" and .attempts > 0)] | length')" = 2 ]; }
until_true 120 "a delete and a rename that wait for the line" settling
pass "a delete and a rename wait for the line, and are told"
change=$(mooring uploads list --json | jq -r '[.uploads[] | select(.state == "settling")][0].id')
expect "what the list names is tried when it is asked for" "Trying 1 now." "$(mooring uploads retry "$change")"
mooring uploads retry change-none 2>"$work/err" && fail "a change is tried that nobody made"
grep -q "'change-none'" "$work/err" || fail "an unknown id is not named: $(cat "$work/err")"
pass "an unknown id is an error that names it"
# the agent ends meanwhile, and another one goes on
agent_stop
control pause '{"seconds":0}' >/dev/null
agent_start
sign_in ana
until_true 120 "what waited" arrived
gone() { ! control item "{\"tenant\":\"$tenant\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"$1\"}" >/dev/null 2>&1; }
until_true 120 "the delete" gone saved.txt
until_true 120 "the rename" gone readme.txt
expect "it has its new name" "hello world" "$(cat "$library/readme.bak")"
agent_stop
