#!/usr/bin/env bash
# mooring-agent.exe: policy from the registry, sign-in by device code, 300 libraries, a plan applied on the recording
# transport, a policy that changes, a clean end; and mooring.exe against it.
# shellcheck source=tests/wine/lib.sh
. "$(dirname "$0")/lib.sh"
wine_begin agent
tenant_start "$here/../tenant/scenarios/big.json"
policy_base
reg add "$policies"'\DriveLetterRules' /v 1 /t REG_SZ /d '**/sites/project-001/Shared Documents=P:' /f >/dev/null
reg add 'HKCU\Software\Mooring' /v LogLevel /t REG_DWORD /d 3 /f >/dev/null

out=$(mooring status)
expect "without an agent, status ends with" 2 $?
has "and says what to do" "no agent runs in this session; start mooring-agent.exe" "$out"

agent_start
sign_in
attached() { grep -c '^attach . contoso/project-' "$recording"; } # the user's OneDrive is one more
detached() { grep -c '^detach ' "$recording"; }
expect "300 libraries are attached by the recording transport" 300 "$(attached)"
has "by their URL" '^attach - contoso/project-[0-9]+/[^	]+	' "$(head -n 5 "$recording")"

has "a letter as the rule says" '^attach P contoso/project-001/Shared Documents	' "$(cat "$recording")"

out=$(mooring status)
[ $? = 0 ] || fail "status is not content: $out"
has "status names the tenant" 'contoso' "$out"
has "status counts them, with the OneDrive" '301 libraries known, 301 mapped' "$out"
out=$(mooring plan --json)
expect "plan shows 300 mappings" 300 "$(jq '[.wanted[] | select(.path | contains("/project-"))] | length' <<<"$out")"
url=$(jq -r '[.libraries[].url | select(contains("/project-"))][0]' <<<"$out")
out=$(mooring explain "$url")
has "explain names the library" 'project-' "$out"
out=$(mooring policy show)
has "policy show tells the registry value" 'Cloud = Custom' "$out"
has "and its source" 'HKLM.Software.Policies.Mooring' "$out"
has "and the user's preference" 'HKCU.Software.Mooring' "$out"

# another agent of this session
out=$(MOORING_RECORDING=$(windows_path "$work/other") wine_run "$MOORING_BUILD/tests/recording/mooring-agent.exe")
expect "a second agent ends with" 2 $?

# a policy that changes
reg add "$policies"'\ExcludeSites' /v 1 /t REG_SZ /d '/sites/project-00*' /f >/dev/null
is_gone() { [ "$(detached)" -ge 2 ]; }
within "an excluded site goes away" is_gone
has "what went is what was excluded" '^detach contoso/project-00' "$(grep '^detach' "$recording")"
before=$(attached)
reg delete "$policies"'\ExcludeSites' /f >/dev/null
is_back() { [ "$(attached)" -gt "$before" ]; }
within "and comes back" is_back

agent_stop
has "it ends with nothing attached" '^stop 0$|^stop [0-9]+$' "$(tail -n 1 "$recording")"
out=$(mooring status)
expect "after the end, status ends with" 2 $?

# the tokens were kept, encrypted, for the next session
token=$(find "$prefix"/drive_c/users/*/AppData/Local/Mooring/state/tokens -name 'token-*.json' | head -n 1)
[ -s "$token" ] || fail "no token is kept"
grep -qa refresh_token "$token" && fail "the token is readable on the disk"
pass "the token is kept and not readable"
: >"$recording"
agent_start
discovered() { [ "$(status '[.accounts[] | select(.discovered)] | length')" = 1 ]; }
until_true 120 "discovery without a person" discovered
expect "the next agent attaches 300 libraries without asking" 300 "$(attached)"
agent_stop
