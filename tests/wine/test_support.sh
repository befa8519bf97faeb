#!/usr/bin/env bash
# What helps when something is wrong, on Windows: mooring doctor, mooring report, the event log with its texts.
# shellcheck source=tests/wine/lib.sh
. "$(dirname "$0")/lib.sh"
wine_begin support
tenant_start "$here/../tenant/scenarios/tiny.json"
policy_base
reg add 'HKCU\Software\Mooring' /v LogLevel /t REG_DWORD /d 3 /f >/dev/null
reg add 'HKCU\Software\Mooring' /v EventLog /t REG_DWORD /d 2 /f >/dev/null
events='HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\Mooring'
reg delete "$events" /f >/dev/null 2>&1

doctor() {
    mooring doctor --json >"$work/doctor.json"
    doctor_code=$?
    jq -e '.checks | length > 0' "$work/doctor.json" >/dev/null || fail "doctor prints no checks: $(cat "$work/doctor.json")"
}
level() { jq -r "[.checks[] | select(.name == \"$1\") | .level] | unique | join(\",\")" "$work/doctor.json"; }
text() { jq -r ".checks[] | select(.name == \"$1\") | .text + \"; \" + .advice" "$work/doctor.json"; }

# --- doctor, without an agent
doctor
expect "doctor ends with" 1 $doctor_code
expect "no agent is a failure" failed "$(level agent)"
has "the registry's keys are named" 'HKLM.Software.Policies.Mooring' "$(text policy)"
expect "without WinFsp it warns: WebDAV may do" warning "$(level WinFsp)"
has "and says what to install" 'install WinFsp 2.2' "$(text WinFsp)"
has "WebClient is looked at" 'service is' "$(text WebClient)"
has "the provider is looked at" 'np register' "$(text provider)"
expect "texts of events that are not registered" warning "$(level 'event log')"
expect "the hosts are reached" ok,ok "$(level 'login host'),$(level 'Graph host')"
expect "and the clock is right" ok "$(level clock)"
reg add "$events" /v EventMessageFile /t REG_EXPAND_SZ /d 'C:\none.exe' /f >/dev/null
reg add "$policies" /v Transport /t REG_DWORD /d 1 /f >/dev/null
doctor
expect "registered texts are fine" ok "$(level 'event log')"
expect "where nothing but WinFsp will do, its absence is a failure" failed "$(level WinFsp)"
expect "and WebClient is no matter" "" "$(level WebClient)"
reg delete "$policies" /v Transport /f >/dev/null
reg delete "$events" /f >/dev/null

# --- events: the agent tells them, Wine traces what it is told
WINEDEBUG=-all,+eventlog agent_start
sign_in
told() { grep -q "ReportEventW L\"$1" "$work/agent.out"; }
until_true 120 "the event of the sign-in" told "signed in to 'contoso.onmicrosoft.com'"
told "version .* of the agent started" || fail "its start is no event: $(grep ReportEvent "$work/agent.out")"
pass "start and sign-in are events"
told ".*values of the policy" && fail "there is an event of a policy that is right"
reg add 'HKCU\Software\Mooring' /v CacheMinutes /t REG_SZ /d many /f >/dev/null
until_true 120 "the event of a wrong value" told "[12] values of the policy.*CacheMinutes"
pass "a value that is wrong is an event"
reg delete 'HKCU\Software\Mooring' /v CacheMinutes /f >/dev/null
doctor
has "with an agent, doctor has its checks" '^ok,ok,ok$' "$(level agent),$(level sign-in),$(level uploads)"

# --- report
report=$(windows_path "$work/bundle.zip")
out=$(mooring report --output "$report")
expect "report ends with" 0 $?
/usr/bin/python3 -m zipfile -e "$work/bundle.zip" "$work/bundle" || fail "the bundle cannot be opened"
expect "the system is named" true "$(jq '.system | startswith("Windows, build ")' "$work/bundle/about.json")"
for what in doctor.json status.json plan.json policy.json logs/mooring.log; do
    [ -s "$work/bundle/$what" ] || fail "$what is not in the bundle"
done
mooring status --json | jq -r '.accounts[] | .user, .tenant' >"$work/forbidden"
[ -s "$work/forbidden" ] || fail "nobody is signed in"
if grep -rnoiFf "$work/forbidden" "$work/bundle" >"$work/found"; then fail "a name is in the bundle: $(head -n 3 "$work/found")"; fi
token=$(find "$prefix"/drive_c/users/*/AppData/Local/Mooring/state/tokens -name 'token-*.json' | head -n 1)
[ -s "$token" ] || fail "no token is kept"
grep -rqE 'eyJ[A-Za-z0-9_-]{10}' "$work/bundle" && fail "something like a token is in the bundle"
pass "no name of the user or tenant and no token is in the bundle"
agent_stop
until_true 120 "the event of the end" told "the agent ends"
pass "the end is an event"

# --- the texts that Event Viewer shows
message() {
    wine_run "$MOORING_BUILD/tests/tools/messages.exe" "$(windows_path "$MOORING_BUILD/bin/mooring-agent.exe")" "$1" "a sentence"
}
expect "the text of an information is its sentence" "a sentence" "$(message 0x40000001 | head -n 1)"
expect "of a warning" "a sentence" "$(message 0x80000020 | head -n 1)"
expect "of an error" "a sentence" "$(message 0xC0000029 | head -n 1)"
has "there is none of another number" 'no text' "$(message 0xC0000001)"
