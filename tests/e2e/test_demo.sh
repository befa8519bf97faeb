#!/usr/bin/env bash
# `mooring demo` removes what it made, whatever happens to it, and nothing else.
. "$(dirname "$0")/lib.sh"
e2e_begin demo
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
cd "$work" || exit 1

demo_start() { # FOLDER: until its libraries are there
    rm -f details.json
    "$MOORING_BIN/mooring" demo --directory "$1" --details details.json >demo.out 2>&1 &
    agent_pid=$!
    until_true 120 "the libraries of the demo" demo_is_there
}
demo_is_there() {
    kill -0 "$agent_pid" 2>/dev/null || fail "the demo ended: $(cat demo.out)"
    [ -s details.json ]
}
demo_ends() { # EXIT-CODE
    wait "$agent_pid"
    local code=$?
    agent_pid=
    [ $code = "$1" ] || fail "the demo exited with $code, not $1: $(cat demo.out)"
}
nothing_left() { # TEXT FOLDER...
    local text=$1
    shift
    [ -z "$(ls "$TMPDIR")" ] || fail "$text: left in TMPDIR: $(ls "$TMPDIR")"
    [ -e details.json ] && fail "$text: the details are left"
    grep -qs " $work/" /proc/self/mountinfo && fail "$text: a mount is left"
    for folder in "$@"; do
        [ -e "$folder" ] && fail "$text: '$folder' is left"
    done
    pass "$text: nothing is left"
}

mkdir full && echo mine >full/file
out=$("$MOORING_BIN/mooring" demo --directory full 2>&1) && fail "a folder with files was taken"
case $out in *"not empty"*) pass "a folder with files is refused" ;; *) fail "unexpected: $out" ;; esac
expect "and stays as it was" mine "$(cat full/file)"

mkdir empty
demo_start empty
expect "the libraries are there" "Wear a helmet." "$(cat "empty/fabrikam/plant/Shared Documents/Safety.txt")"
kill -INT "$agent_pid"
demo_ends 0
nothing_left "Ctrl-C"
[ -d empty ] || fail "the user's own empty folder was removed"
pass "the user's own folder stays"

demo_start made
kill -HUP "$agent_pid"
demo_ends 0
nothing_left "the terminal is gone" made

"$MOORING_BIN/mooring" demo --directory early --details details.json >demo.out 2>&1 &
agent_pid=$!
until_true 120 "the first line" grep -q Starting demo.out
kill -INT "$agent_pid"
demo_ends 0
nothing_left "Ctrl-C during the start" early

demo_start orphan
kill -9 "$(jq .agentPid details.json)"
demo_ends 2
grep -q "the agent ended" demo.out || fail "the demo does not say that its agent ended"
nothing_left "the agent was killed" orphan

demo_start lost
for child in $(cat "/proc/$agent_pid/task/$agent_pid/children"); do
    case $(cat "/proc/$child/comm") in mooring-tenant) kill -9 "$child" ;; esac
done
demo_ends 2
grep -q "the simulated tenant ended" demo.out || fail "the demo does not say that its tenant ended"
nothing_left "the tenant was killed" lost
