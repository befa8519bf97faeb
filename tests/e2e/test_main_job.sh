#!/usr/bin/env bash
# The main job, small enough for the sanitizers: two tenants, list, read, write, rename, delete, limits; then a second
# start, a crash, and the end.
. "$(dirname "$0")/lib.sh"
e2e_begin main_job
tenant_start "$(dirname "$0")/../tenant/scenarios/demo.json"
policy_write "Tenants:" "  - contoso.onmicrosoft.com" "  - fabrikam.onmicrosoft.com" "MetadataSeconds: 2" \
    "ManagedMappings:" "  - 'https://contoso.sharepoint.com/sites/finance/Contracts|Contracts|K'"
agent_start
grep -q "enter the code" "$work/agent.out" || until_true 120 "the device code on the terminal" \
    grep -q "enter the code" "$work/agent.out"
pass "the code is printed"
[ "$(status '[.accounts[].userCode // empty] | length')" -ge 1 ] || fail "status shows no code"
mooring status >"$work/status.txt"
expect "status exits 1 while somebody has to sign in" 1 $?
sign_in
pass "the agent goes on by itself"

finance=$root/contoso/finance/"Shared Documents"
truth() { control "${3:-item}" "{\"tenant\":\"contoso\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"$1\"}" | jq -r "$2"; }

expect "two tenants" "contoso drives fabrikam" "$(ls "$root" | tr '\n' ' ' | sed 's/ $//')"
expect "a library of the second tenant is read" "Wear a helmet." "$(cat "$root/fabrikam/plant/Shared Documents/Safety.txt")"
expect "OneDrive is there" "bread" "$(head -n 1 "$root/contoso/OneDrive/Documents/Shopping.txt")"
expect "umlauts, # and %" "special characters" "$(cat "$root/contoso/münchen/Freigegebene Dokumente/Straße #7 & 50%.txt")"
expect "a letter leads into its library" "Lease.docx" "$(ls "$root/drives/K" | head -n 1)"
expect "names are found in any case" "The travel line is an estimate." \
    "$(cat "$finance/budget 2026/NOTES to the budget.TXT")"
expect "5,000 entries are listed" 5000 "$(ls "$finance/Five thousand" | wc -l)"

echo "hello from linux" >"$finance/hello.txt" || fail "write"
expect "a new file is on the server after close" "$(sha256sum <"$finance/hello.txt" | cut -d' ' -f1)" "$(truth hello.txt .sha256)"
id=$(truth hello.txt .id)
echo "second version" >"$finance/hello.txt" || fail "overwrite"
expect "a replaced file keeps its item" "$id" "$(truth hello.txt .id)"
expect "and is one new version" 2 "$(truth hello.txt .versions)"
mkdir "$finance/New folder" && mv "$finance/hello.txt" "$finance/New folder/moved.txt" || fail "mkdir and mv"
expect "moving keeps the item" "$id" "$(truth 'New folder/moved.txt' .id)"
echo "saved by temp file" >"$finance/New folder/temp" && mv "$finance/New folder/temp" "$finance/New folder/moved.txt" || fail "replace by rename"
expect "renaming onto a file keeps the old item" "$id" "$(truth 'New folder/moved.txt' .id)"
expect "with the new content" "saved by temp file" "$(cat "$finance/New folder/moved.txt")"
expect "the temp name is gone" "moved.txt" "$(ls "$finance/New folder")"
rmdir "$finance/New folder" 2>/dev/null && fail "a full folder was removed"
rm "$finance/New folder/moved.txt" && rmdir "$finance/New folder" || fail "rm and rmdir"
expect "deleted on the server" "" "$(truth "New folder" '.id // empty' 2>/dev/null)"
: >"$finance/empty.txt" || fail "empty file"
empty_arrived() { [ "$(truth empty.txt .size)" = 0 ]; }
until_true 120 "the arrival of an empty file" empty_arrived # what was only made waits for its content a little
pass "an empty file arrives"
printf 'abc' >>"$finance/empty.txt"
expect "appending" "abc" "$(cat "$finance/empty.txt")"
touch -d '2020-01-02 03:04:05 UTC' "$finance/empty.txt" || fail "touch"
expect "times are kept" 1577934245 "$(stat -c %Y "$finance/empty.txt")"

# what must be refused, with the system's own code
refused() { # NAME ERRNO-TEXT COMMAND...
    local name=$1 text=$2
    shift 2
    if out=$(LC_ALL=C "$@" 2>&1); then fail "$name: not refused"; fi
    case $out in *"$text"*) pass "$name: $text" ;; *) fail "$name: expected '$text', got '$out'" ;; esac
}
assets="$root/contoso/marketing/Shared Documents/Assets"
refused "above BlockAboveMB" "File too large" head -c 1 "$assets/Raw footage.mp4"
refused "above ReadOnlyAboveMB" "Permission denied" dd if=/dev/zero of="$assets/Summer film.mp4" bs=1 count=1 conv=notrunc status=none
expect "which reads all the same" 1 "$(head -c 1 "$assets/Summer film.mp4" | wc -c)"
refused "a name the service refuses" "Invalid argument" touch "$finance/a:b"
refused "a hard link" "Operation not permitted" ln "$finance/empty.txt" "$finance/hard.txt"
refused "a symbolic link" "Operation not permitted" ln -s x "$finance/soft"
refused "a folder between libraries" "Permission denied" mkdir "$root/contoso/nothing"
refused "moving to another library without a copy" "Invalid cross-device link" \
    python3 -c 'import os,sys; os.rename(sys.argv[1], sys.argv[2])' "$finance/empty.txt" "$root/contoso/OneDrive/empty.txt"
chmod 700 "$finance/empty.txt" || fail "chmod is accepted"
rm "$finance/empty.txt"

mooring status >"$work/status.txt" || fail "status: $(cat "$work/status.txt")"
grep -q "contoso/finance/Shared Documents" "$work/status.txt" || fail "status does not name the mapping"
mooring plan | grep -q "steps to do: 0" || fail "the plan is not empty after apply"
mooring explain "https://contoso.sharepoint.com/sites/finance/Shared%20Documents" >"$work/explain.txt" || fail "explain"
pass "status, plan, explain"
refused_second=$(mooring agent --policy "$policy" 2>&1) && fail "a second agent started"
case $refused_second in *"runs already"*) pass "one agent per user" ;; *) fail "second agent: $refused_second" ;; esac

# a crash: the next agent cleans up and goes on without a new sign-in
kill -9 "$agent_pid"
wait "$agent_pid" 2>/dev/null
agent_start
until_true 120 "mappings after the crash" test -e "$finance/Budget 2026"
expect "after kill -9 the files are there" "The travel line is an estimate." "$(cat "$finance/Budget 2026/Notes to the budget.txt")"

# sign-out and in
mooring logout --tenant contoso.onmicrosoft.com >/dev/null || fail "logout"
expect "signed out" signed-out "$(status '.accounts[] | select(.tenant=="contoso.onmicrosoft.com") | .state')"
mooring login --tenant contoso.onmicrosoft.com --device-code >"$work/login.out" 2>&1 &
login=$!
login_is_over() {
    approve_codes >/dev/null
    ! kill -0 $login 2>/dev/null
}
until_true 120 "login" login_is_over
wait $login || fail "login: $(cat "$work/login.out")"
expect "signed in again" signed-in "$(status '.accounts[] | select(.tenant=="contoso.onmicrosoft.com") | .state')"

agent_stop
grep -qs " $root fuse" /proc/self/mountinfo && fail "still mounted"
pass "SIGTERM unmounts and exits 0"
[ -e "$work/run/mooring/agent.sock" ] && fail "the socket is left"
grep -Eq 'eyJ|tempauth|refresh_token' "$work/state/mooring/mooring.log" && fail "a secret is in the log"
pass "no token in the log"
