#!/usr/bin/env bash
# A policy that changes while the agent runs: each setting takes effect within two seconds, on the same mount, without a
# request that it does not need; a broken file changes nothing; what appears later counts.
. "$(dirname "$0")/lib.sh"
e2e_begin policy_live
tenant_start "$(dirname "$0")/../tenant/scenarios/demo.json"
log=$work/state/mooring/mooring.log
assets="$root/contoso/marketing/Shared Documents/Assets"
slowest=0

mount_id() { awk -v root="$root" '$5 == root { print $1 }' /proc/self/mountinfo; }

quietly() { "$@" >/dev/null 2>&1; }
# within NAME COMMAND...: waits for a change of the policy to be seen, and tells how long that took. The two seconds of the
# promise are a condition by hand alone, on a machine that does nothing else: WITHIN_MS=2000 tests/e2e/test_policy_live.sh
within() {
    local name=$1 start took
    shift
    start=$(date +%s%N)
    until_true 120 "$name" quietly "$@"
    took=$((($(date +%s%N) - start) / 1000000))
    [ $took -gt $slowest ] && slowest=$took
    [ -z "${WITHIN_MS:-}" ] || [ $took -le "$WITHIN_MS" ] || fail "$name: took $took ms"
    pass "$name ($took ms)"
}

# live LINES...: the policy with these lines in addition
live() { policy_write "Tenants: [contoso.onmicrosoft.com]" "MetadataSeconds: 3600" "$@"; }
not() { ! "$@" 2>/dev/null; }
reads() { head -c 1 "$1"; }
refuses() { ! head -c 1 "$1" 2>/dev/null; }
test_errors() { [ "$(status .policy.errors)" -ge 1 ]; }
test_warnings() { [ "$(status '"\(.policy.errors) \(.policy.warnings)"')" = "0 1" ]; }
accounts_are() { [ "$(status '.accounts | length')" = "$1" ]; }
waits_for() { [ "$(status '.policy.nextStart[0]')" = "$1" ]; }
has_problem() { status '.policy.problems[]' | grep -q "$1"; }
# Each refused operation is a line of debug.
logs_debug() {
    local before
    before=$(grep -c " debug " "$log")
    touch "$root/contoso/nothing" 2>/dev/null
    [ "$(grep -c " debug " "$log")" -gt "$before" ]
}

live
agent_start
sign_in
id=$(mount_id)
ls "$root/contoso" >/dev/null
refuses "$assets/Raw footage.mp4" || fail "the default BlockAboveMB does not refuse"
expect "the agent watches its policy" true "$(status .policy.live)"

# --- limits
live "BlockAboveMB: 0"
within "a larger size limit lets a file be opened" reads "$assets/Raw footage.mp4"
live "BlockAboveMB: 1"
within "a smaller one refuses it" refuses "$assets/Raw footage.mp4"
grep -q "BlockAboveMB was '0' and is '1'" "$log" || fail "the log does not tell what changed"
live "ReadOnly: true"
within "ReadOnly refuses to write" not touch "$assets/new.txt"
live
within "and lets again" touch "$assets/new.txt"
rm "$assets/new.txt"

# --- scope: nothing is asked of the service
# Where that took longer than the settling time, the file was sent, and its delete is to be sent still.
nothing_waits() { [ "$(mooring uploads list --json | jq '.uploads | length')" = 0 ]; }
until_true 120 "the end of what waits" nothing_waits
control clear-log >/dev/null
live "ExcludeSites: ['*/sites/marketing']"
within "an exclude rule takes its site away" not test -e "$root/contoso/marketing"
test -e "$root/contoso/finance" || fail "the other sites are gone too"
live
within "and gives it back" test -e "$root/contoso/marketing"

# --- letters and names
live "DriveLetterRules: ['finance/Contracts=K']"
within "a rule gives a letter" test -e "$root/drives/K"
live "DriveLetterRules: ['finance/Contracts=L']"
within "another one moves it" test -e "$root/drives/L"
test -e "$root/drives/K" && fail "the old letter is still there"
live "OneDriveDrive: none"
within "none takes the letter of OneDrive away" not test -e "$root/drives/H"
live
within "its default brings it back" test -e "$root/drives/H"
expect "scope, letters and names cost no request" 0 \
    "$(control requests | jq '[.requests[]? | select(.path | test("^/v1.0"))] | length')"

# --- the log
: >"$log"
live "LogLevel: Debug"
within "the log level goes up" logs_debug
live "LogLevel: Error"
within "and down" not logs_debug
live

# --- a broken file keeps what was last good
live "BlockAboveMB: 0"
within "a good file is loaded" reads "$assets/Raw footage.mp4"
printf 'BlockAboveMB: [1\nTenants: "' >"$policy"
within "a broken file is said so in status" test_errors
reads "$assets/Raw footage.mp4" >/dev/null || fail "the last good values are gone"
mooring policy show >"$work/show.txt"
expect "policy show of it exits 2" 2 $?
grep -q "As the agent" "$work/show.txt" || fail "policy show does not ask the agent"
grep -q "BlockAboveMB = 0" "$work/show.txt" || fail "policy show does not show the last good value"
mooring policy show --json | jq -e '.settings[] | select(.name == "BlockAboveMB") | .value == 0' >/dev/null ||
    fail "policy show --json: $(mooring policy show --json | head -c 300)"
[ -d "$root/contoso" ] || fail "a broken file unmapped the tenant"
grep -q "policy.yaml" "$log" || fail "the log does not name the broken file"
mooring status >/dev/null
expect "status exits 1" 1 $?
live "BlockAboveMB: 0" "NoSuchSetting: 1"
within "a file that can be read again counts" test_warnings
reads "$assets/Raw footage.mp4" >/dev/null || fail "the values of the mended file"

# --- replaced by rename, through a link that is turned
mkdir -p "$work/k/..1" "$work/k/..2"
live "BlockAboveMB: 1"
cp "$policy" "$work/k/..1/policy.yaml"
live "BlockAboveMB: 0"
cp "$policy" "$work/k/..2/policy.yaml"
ln -s ..1 "$work/k/..data"
ln -s k/..data/policy.yaml "$policy.new" && mv -T "$policy.new" "$policy"
within "a link to another file" refuses "$assets/Raw footage.mp4"
ln -s ..2 "$work/k/..new" && mv -T "$work/k/..new" "$work/k/..data"
within "a link that is turned" reads "$assets/Raw footage.mp4"

# --- accounts
live
within "back" refuses "$assets/Raw footage.mp4"
policy_write "Tenants: [contoso.onmicrosoft.com, fabrikam.onmicrosoft.com]" "MetadataSeconds: 3600"
within "a tenant is added" accounts_are 2
sign_in
until_true 120 "its libraries" test -e "$root/fabrikam/plant"
live
within "a tenant is taken out, with its libraries" not test -e "$root/fabrikam"
expect "and its account" 1 "$(status '.accounts | length')"
live "AllowedTenants: [99999999-2222-4333-8444-555555555555]"
within "AllowedTenants refuses the other" not test -e "$root/contoso"
expect "and says so" refused "$(status '.accounts[0].state')"
live
within "and lets it in again" test -e "$root/contoso/finance"

expect "all of it on one mount" "$id" "$(mount_id)"

# --- what needs another mount, and what waits
live "CacheDirectory: $work/cache2"
within "a cache elsewhere waits for the next start" waits_for CacheDirectory
live "MountRoot: $work/elsewhere"
within "the mount moves" test -e "$work/elsewhere/contoso/finance"
grep -qs " $root fuse" /proc/self/mountinfo && fail "the old mount is still there"
mkdir -p "$work/full" && touch "$work/full/mine"
live "MountRoot: $work/full"
within "a folder that is not empty is refused" has_problem "not empty"
test -e "$work/elsewhere/contoso/finance" || fail "the mount did not stay where it was"
live
within "the mount comes back" test -e "$root/contoso/finance"
[ -z "$(ls "$work/elsewhere")" ] || fail "something is left at the old place"

# --- the end
live "Enabled: false"
until_true 120 "the end of the agent" not kill -0 "$agent_pid"
wait "$agent_pid"
expect "Enabled off ends the agent with 0" 0 $?
agent_pid=
[ -z "$(ls "$root")" ] || fail "the mount is left"
refused=$(mooring agent --policy "$policy" 2>&1) || fail "an agent that is turned off fails: $refused"
pass "and it does not start while it is off"
echo "slowest change: $slowest ms"
