#!/usr/bin/env bash
# The end of a session, as Windows tells it to the windows of a program: the agent lets the session end, drains, and only then
# lets it go on. On a display of the test's own; without a display the agent runs without its window.
# shellcheck source=tests/wine/lib.sh
export MOORING_WINEPREFIX=$MOORING_BUILD/wine-display # the desktop is made once for each server of Wine
. "$(dirname "$0")/lib.sh"
if ! command -v Xvfb >/dev/null; then
    echo "SKIP: there is no Xvfb (deploy/packages.sh windows)"
    exit 77
fi
display_folder=$(mktemp -d "${TMPDIR:-/tmp}/mooring-display-XXXXXX")
display_pid=
at_end() {
    [ -n "$display_pid" ] && kill "$display_pid" 2>/dev/null && wait "$display_pid" 2>/dev/null
    rm -rf "$display_folder"
}
# Any number that is free; Xvfb tells which when it is ready.
timeout 600 Xvfb -displayfd 3 -screen 0 640x480x16 -nolisten tcp 3>"$display_folder/number" >"$display_folder/out" 2>&1 &
display_pid=$!
for _ in $(seq 300); do
    [ -s "$display_folder/number" ] && break
    sleep 0.1
done
if [ ! -s "$display_folder/number" ]; then
    echo "FAIL session_end: Xvfb did not start: $(cat "$display_folder/out")"
    at_end
    exit 1
fi
MOORING_DISPLAY=:$(cat "$display_folder/number")
export MOORING_DISPLAY

wine_begin session_end
tenant_start "$here/../tenant/scenarios/tiny.json"
policy_base
window() { wine_run "$MOORING_BUILD/tests/tools/window.exe" "$@"; }
log() { cat "$prefix"/drive_c/users/*/AppData/Local/Mooring/mooring.log; }
log_has() { log | grep -q -- "$1"; }

agent_start
sign_in
has "the agent has a window, hidden and at the top" '^visible 0, top level 1$' "$(window find)"

window resume >"$work/resume.out"
has "waking up is answered" '^answer 1$' "$(cat "$work/resume.out")"
until_true 120 "asking again after waking up" log_has "another network: asking again"
pass "after waking up the network is looked at anew"

has "the session may end" '^answer 1$' "$(window query)"
has "somebody else said no" '^answer 0$' "$(window cancel)"
kill -0 "$agent_pid" || fail "the agent ended although the session goes on"
mooring status --json >"$work/status.json"
expect "and the agent goes on" np "$(jq -r .transport.name "$work/status.json")"

out=$(window end)
has "the session's end is answered" '^answer 0$' "$out"
# What the session waited for is done: this was written before it was let go on.
log_has "info  agent     ending" || fail "the log has no end: $(log | tail -n 3)"
has "with the transport stopped before" '^stop ' "$(tail -n 1 "$recording")"
wait "$agent_pid"
expect "the agent ends with" 0 $?
agent_pid=
has "no window is left" 'there is no window' "$(window find)"

# an installer's way: WM_CLOSE is tested by taskkill, which sends it to all windows of a program
agent_start
has "the next agent has a window, too" '^visible 0' "$(window find)"
wine_run "$prefix/drive_c/windows/system32/taskkill.exe" /im mooring-agent.exe >"$work/taskkill.out"
agent_is_gone() { ! kill -0 "$agent_pid" 2>/dev/null; }
until_true 120 "the end by taskkill" agent_is_gone
wait "$agent_pid"
expect "taskkill without /F ends it cleanly" 0 $?
agent_pid=
