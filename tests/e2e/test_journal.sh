#!/usr/bin/env bash
# WriteMode=Background: closing returns when the journal has the file; an agent that is killed, a server that is away, a
# sign-in that ends and somebody else's save lose nothing; `mooring uploads` shows and does what a person can.
. "$(dirname "$0")/lib.sh"
e2e_begin journal
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")
policy_write "Tenants: [$domain]" "WriteMode: Background" "RecoveryDirectory: $work/recovered" "DrainSeconds: 2"
agent_start
sign_in
library=$(status '.mappings[0].path')
case $library in /*) ;; *) library=$root/$library ;; esac
[ -d "$library" ] || fail "'$library' is not a folder: $(status '.mappings')"
rel=${library#"$root"/*/}
site=${rel%%/*}
truth() { control "${3:-item}" "{\"tenant\":\"${domain%%.*}\",\"library\":\"/sites/$site/${rel#*/}\",\"path\":\"$1\"}" 2>/dev/null | jq -r "$2"; }
uploads() { mooring uploads "$@"; }
left() { uploads list --json | jq '.uploads | length'; }

echo "first" >"$library/one.txt" || fail "write"
expect "what is closed is read back at once" "first" "$(cat "$library/one.txt")"
uploads wait >/dev/null || fail "uploads wait"
expect "and is on the server soon" 6 "$(truth one.txt .size)"
expect "nothing is left" "Everything is on the server." "$(uploads list)"

# the server is away: closing works, and the end of the agent keeps everything
control pause '{"seconds":600}' >/dev/null
for i in 1 2 3 4 5; do echo "offline $i" >"$library/one.txt" || fail "write $i while the server is away"; done
expect "five saves of one file are one upload" 1 "$(left)"
expect "what was saved is shown" "offline 5" "$(cat "$library/one.txt")"
mooring logout >/dev/null 2>"$work/logout.txt" && fail "logout with unsent files"
grep -q "uploads list" "$work/logout.txt" || fail "logout does not say where to look: $(cat "$work/logout.txt")"
pass "logout refuses with unsent files"
id=$(uploads list --json | jq -r '.uploads[0].id')
uploads export "$id" >/dev/null || fail "export"
expect "export" "offline 5" "$(cat "$work/recovered/one.txt")"
uploads export "$id" >/dev/null || fail "export again"
expect "export writes over nothing" "offline 5" "$(cat "$work/recovered/one 2.txt")"
kill -9 "$agent_pid"
wait "$agent_pid" 2>/dev/null
fusermount3 -uz "$root" 2>/dev/null
control pause '{"seconds":0}' >/dev/null
agent_start
all_sent() { [ "$(left)" = 0 ] || { uploads list >"$work/left.txt"; false; }; }
until_true 120 "sending what the killed agent left" all_sent
expect "the next agent sent it" "$(printf 'offline 5\n' | sha256sum | cut -d' ' -f1)" "$(truth one.txt .sha256)"
expect "as one version more" 2 "$(truth one.txt .versions)"

# somebody else saves meanwhile
[ -d "$library" ] || until_true 120 "the mount" test -d "$library"
cat "$library/one.txt" >/dev/null
exec 7<>"$library/one.txt" # "echo >&7" closes a copy of it, which saves: so it comes after the foreign edit
control write "{\"tenant\":\"${domain%%.*}\",\"library\":\"/sites/$site/${rel#*/}\",\"path\":\"one.txt\",\"user\":\"ben\",\"text\":\"theirs\"}" >/dev/null ||
    fail "the foreign edit"
echo "mine here" >&7
exec 7>&-
uploads wait >/dev/null || fail "wait for the copy"
expect "theirs is still there" "$(printf 'theirs' | sha256sum | cut -d' ' -f1)" "$(truth one.txt .sha256)"
expect "mine is kept beside it" "mine here" "$(cat "$library"/one\ \(conflict*)"
expect "status counts it" 1 "$(status .files.conflictCopies)"
mooring status | grep -A1 '^conflicts ' >"$work/conflicts.txt"
grep -q '1 copy .*(conflict ' "$work/conflicts.txt" || fail "status as text does not name it: $(cat "$work/conflicts.txt")"
grep -q 'compare' "$work/conflicts.txt" || fail "status does not say what to do: $(cat "$work/conflicts.txt")"
pass "and says so as text, with what to do"

# the sign-in ends while a save waits: the file stays, and goes when somebody signs in
account_is() { [ "$(status '.accounts[0].state')" = "$1" ]; }
exec 7>"$library/signed out.txt" || fail "make a file"
control revoke '{}' >/dev/null || fail "revoke"
echo "kept until the sign-in" >&7 || fail "write after the tokens were revoked"
exec 7>&- || fail "close after the tokens were revoked"
is_signed_out() { account_is signed-out || account_is waiting; }
until_true 120 "signed out in status" is_signed_out
expect "what was saved waits" 1 "$(left)"
expect "and is not on the server" none "$(truth 'signed out.txt' '.size // "none"')"
is_signed_in() { approve_codes; account_is signed-in; }
mooring login --device-code >"$work/login" 2>&1 &
until_true 120 "the sign-in" is_signed_in
wait $!
until_true 120 "sending what waited for it" all_sent
expect "it arrived" "$(printf 'kept until the sign-in\n' | sha256sum | cut -d' ' -f1)" "$(truth 'signed out.txt' .sha256)"
expect "once" 1 "$(truth 'signed out.txt' .versions)"

# discard
control pause '{"seconds":600}' >/dev/null
echo "never sent" >"$library/two.txt" || fail "write two.txt"
id=$(uploads list --json | jq -r '.uploads[0].id')
uploads discard "$id" >/dev/null || fail "discard"
[ -e "$library/two.txt" ] && fail "what was discarded is still shown"
expect "nothing is left of it" 0 "$(left)"
echo "also not" >"$library/three.txt"
mooring logout --discard >/dev/null || fail "logout --discard"
expect "logout --discard gives it up" 0 "$(left)"
control pause '{"seconds":0}' >/dev/null
agent_stop
expect "the journal is empty" "" "$(find "$work/state/mooring/journal" -name '*.data')"
