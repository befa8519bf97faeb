#!/usr/bin/env bash
# The end of a session (SIGTERM): what is on its way is sent within DrainSeconds; what a server that hangs does not take in
# that time stays in the journal, and the next agent sends it. Nothing is lost, and nothing is sent twice.
. "$(dirname "$0")/lib.sh"
e2e_begin drain
BIG=25000000 # an upload session of three parts
where='"tenant":"contoso","library":"/sites/finance/Shared Documents"'
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
policy() { policy_write "Tenants: [contoso.onmicrosoft.com]" "WriteMode: Background" "DrainSeconds: $1"; }
truth() { control item "{$where,\"path\":\"$1\"}" 2>/dev/null | jq -r "$2"; }
fault() { control faults "$1" >/dev/null || fail "fault rule refused: $1"; }
uploads() { mooring uploads list --json | jq -r "[.uploads[]$1] | length"; }
has_uploads() { [ "$(uploads "$1")" = "$2" ]; }
spooled() { find "$work/state/mooring/journal" -name '*.data' | wc -l; }
sum() { sha256sum | cut -d' ' -f1; }
# PUTs that the service carried out for a file it did not have before
made() { control requests | jq "[.requests[] | select(.method == \"PUT\" and .status == 201 and (.path | contains(\"$1\")))] | length"; }
says() { grep -q -- "$1" "$work/state/mooring/mooring.log"; }
ended() { ! kill -0 "$agent_pid" 2>/dev/null; }
end_of_agent() {
    until_true 300 "the end of the agent" ended
    wait "$agent_pid"
    expect "the agent ended well" 0 $?
    agent_pid=
}

# --- the server answers in time
policy 120
agent_start
sign_in ana
library=$root/contoso/finance/"Shared Documents"
until_true 120 "the library" test -d "$library"
ls "$library" "$library/Budget" >/dev/null
fault '{"match":{"host":"graph","method":"PUT"},"count":-1,"action":{"hold":true}}'
for i in $(seq 12); do echo "number $i" >"$library/file $i.txt" || fail "save $i"; done
echo "changed" >"$library/readme.txt" || fail "a save over what is there"
until_true 120 "eight uploads" has_uploads ' | select(.state == "uploading")' 8
echo "may be a scratch file" >"$library/4A5B6C7D" || fail "a save that settles"
mv "$library/Budget/Überblick.txt" "$library/Budget/Überblick.bak" || fail "a rename that settles"
rm "$library/Budget/100% #1.txt" || fail "a delete"
kill "$agent_pid"
until_true 120 "the end being on its way" says ' ending'
ended && fail "the agent ended although its uploads were held"
pass "the agent waits: $(uploads '') are not on the server"
control clear-faults >/dev/null
end_of_agent
expect "the journal is empty" 0 "$(spooled)"
for i in $(seq 12); do
    [ "$(truth "file $i.txt" '"\(.sha256) \(.versions)"')" = "$(echo "number $i" | sum) 1" ] || fail "file $i.txt: $(truth "file $i.txt" .)"
    [ "$(made "file%20$i.txt")" = 1 ] || fail "file $i.txt was sent $(made "file%20$i.txt") times"
done
pass "all are on the server, each sent once"
expect "so is the next version of what was there" "$(echo changed | sum)" "$(truth readme.txt .sha256)"
expect "what settled, too" "$(echo "may be a scratch file" | sum)" "$(truth 4A5B6C7D .sha256)"
expect "and a rename" "Überblick.bak" "$(truth "Budget/Überblick.bak" .name)"
expect "and a delete" "" "$(truth "Budget/100% #1.txt" '.name // empty')"

# --- the server hangs: only what it takes is sent, and the agent ends all the same
control clear-log >/dev/null
policy 3
agent_start
until_true 120 "the library" test -d "$library"
fault '{"match":{"host":"graph","method":"PUT","path":"*kept*"},"count":-1,"action":{"stall":true}}'
fault '{"match":{"host":"graph","method":"PUT","path":"*unheard*"},"count":-1,"action":{"run_first":true,"stall":true}}'
fault '{"match":{"host":"content","method":"PUT"},"after":1,"count":-1,"action":{"stall":true}}'
for i in $(seq 3); do echo "kept $i" >"$library/kept $i.txt" || fail "save $i"; done
echo "arrived, but nobody said so" >"$library/unheard.txt" || fail "save"
head -c $BIG /dev/urandom >"$work/big.bin"
cp "$work/big.bin" "$library/big.bin" || fail "a large save"
begun() { [ "$(mooring uploads list --json | jq '[.uploads[] | select(.path == "big.bin") | .sentBytes][0] // 0')" -gt 0 ]; }
until_true 120 "the first part of a large file" begun
unheard() { [ -n "$(truth unheard.txt '.name // empty')" ]; }
until_true 120 "a save whose answer is lost" unheard
echo "sent at the end" >"$library/sent.txt" || fail "save"
kill "$agent_pid"
end_of_agent
expect "what the server takes is sent" "$(echo "sent at the end" | sum)" "$(truth sent.txt .sha256)"
expect "the log says what was not" 1 "$(grep -c ' 5 uploads were not waited for' "$work/state/mooring/mooring.log")"
expect "their bytes are kept" 5 "$(spooled)"
expect "the server has none of them" "" "$(for i in 1 2 3; do truth "kept $i.txt" '.name // empty'; done)"

# --- the next agent sends the rest
control clear-faults >/dev/null
agent_start
until_true 120 "sending the rest" has_uploads '' 0
for i in $(seq 3); do
    expect "kept $i.txt is there, as one version" "$(echo "kept $i" | sum) 1" "$(truth "kept $i.txt" '"\(.sha256) \(.versions)"')"
    expect "sent once" 1 "$(made "kept%20$i.txt")"
done
expect "what had arrived is there once" "$(echo "arrived, but nobody said so" | sum) 1" "$(truth unheard.txt '"\(.sha256) \(.versions)"')"
expect "the large file is whole, as one version" "$(sum <"$work/big.bin") 1" "$(truth big.bin '"\(.sha256) \(.versions)"')"
bytes=$(control requests | jq '[.requests[] | select(.host == "content" and .method == "PUT" and .status > 0) | .in] | add')
expect "and no part of it was taken twice" $BIG "$bytes"
expect "what was sent at the end is still one version" 1 "$(truth sent.txt .versions)"
expect "nothing is there twice" "" "$(control tree "{$where}" | jq -r '.items[].name' | grep -i '(conflict')"
agent_stop
