#!/usr/bin/env bash
# The network provider and the agent: a program asks Windows' mpr.dll for network drives, mpr asks mooringnp.dll, that asks
# mooring-agent.exe, which shows the libraries of a simulated tenant on the double of WinFsp's DLL. Then the agent hangs, is
# not there, and has its pipe taken by another program.
# shellcheck source=tests/wine/lib.sh
. "$(dirname "$0")/lib.sh"
squatter_pid=
wine_begin np
reg32=$prefix/drive_c/windows/system32/reg.exe
provider='HKLM\SYSTEM\CurrentControlSet\Services\MooringNP'
stop_all() {
    local code=$?
    [ -n "$agent_pid" ] && kill -CONT "$agent_pid" 2>/dev/null
    [ -n "$squatter_pid" ] && kill "$squatter_pid" 2>/dev/null
    mooring np unregister >/dev/null 2>&1
    wine_run "$reg32" delete 'HKLM\SOFTWARE\WOW6432Node\WinFsp' /f >/dev/null 2>&1
    reg delete 'HKCU\Software\MooringTest' /f >/dev/null 2>&1
    (exit $code)
    wine_end
}
trap stop_all EXIT

# ask NAME PATTERN: the tests of np_live.c that match
ask() {
    local out
    out=$(wine_run "$MOORING_BUILD/tests/test_np_live.exe" "$2") || fail "$1: $out"
    has "$1" '^\[  PASSED  \] [1-9][0-9]* test' "$out"
}
agent_log() { cat "$prefix"/drive_c/users/*/AppData/Local/Mooring/mooring.log; }
run_agent() {
    "$run" "$MOORING_BUILD/bin/mooring-agent.exe" >>"$work/agent.out" 2>&1 </dev/null &
    agent_pid=$!
    until_true 120 "start of the agent" agent_answers
}

tenant_start "$here/../tenant/scenarios/tiny.json"
policy_base
reg add "$policies"'\DriveLetterRules' /v 1 /t REG_SZ /d '**/sites/finance/Reports=P:' /f >/dev/null
reg add 'HKLM\SOFTWARE\WOW6432Node\WinFsp' /v InstallDir /t REG_SZ \
    /d "$(windows_path "$MOORING_BUILD/tests/winfsp")\\" /f >/dev/null || fail "WinFsp cannot be registered"
cp "$MOORING_BUILD/bin/mooringnp.dll" "$prefix/drive_c/windows/system32/"
out=$(mooring np register) || fail "register: $out"
out=$(mooring np check) || fail "check: $out"
has "the provider is registered" 'network provider: registered' "$out"

ask "without an agent" 'absent_*'

run_agent
sign_in
is_mapped() { [ "$(mooring plan --json | jq '[.wanted[] | select(.path == "contoso/finance/Reports")] | length')" = 1 ]; }
until_true 120 "the library with a letter" is_mapped
ask "libraries are mapped" 'ready_*'
ask "the agent answers" 'live_*'
has "the log names what was connected" "Q: is now 'contoso/finance/Shared Documents'" "$(agent_log)"

kill -STOP "$agent_pid"
ask "an agent that hangs" 'hung_*'
kill -CONT "$agent_pid"
ask "and goes on" 'ready_*'
agent_stop
ask "after the end of the agent" 'absent_*'

reg delete 'HKCU\Software\MooringTest' /f >/dev/null 2>&1
# a program that lies elsewhere makes the pipe first; Wine lets us see it by the number of instances only
"$run" "$MOORING_BUILD/tests/np_agent.exe" hang </dev/null >/dev/null 2>&1 &
squatter_pid=$!
is_taken() { reg query 'HKCU\Software\MooringTest' /v Ready >/dev/null 2>&1; }
until_true 120 "start of the other program" is_taken
run_agent
ask "a squatted pipe" 'squatted_*'
has "the agent says so" 'another program has the pipe of the network provider' "$(agent_log)"
kill "$squatter_pid"
wait "$squatter_pid" 2>/dev/null
squatter_pid=
ask "the agent listens when the other program is gone" 'ready_*'
agent_stop
