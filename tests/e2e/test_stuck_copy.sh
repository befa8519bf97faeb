#!/usr/bin/env bash
# A line that stalls in the middle of a file: who copies it can be interrupted, and so can whoever comes after him, though the
# kernel's read-ahead for the first is still on its way. The line does not go on; an attempt counts in which no read has come to
# its deadline meanwhile, so that nothing but the interrupt ended the program.
. "$(dirname "$0")/lib.sh"
e2e_begin stuck_copy
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")
tenant=${domain%%.*}
policy_write "Tenants: [$domain]" "WriteMode: Background" "MetadataSeconds: 300"
agent_start
sign_in ana
library=$(status '[.mappings[].path | select(endswith("finance/Shared Documents"))][0]')
case $library in /*) ;; *) library=$root/$library ;; esac
SIZE=60000000
ATTEMPTS=5
put() { # name
    control write "{\"tenant\":\"$tenant\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"$1\",\"size\":$SIZE,\"seed\":7}" >/dev/null ||
        fail "the tenant refused $1"
}
for try in $(seq $ATTEMPTS); do
    put "dead-$try.bin"
    put "alive-$try.bin"
    put "cut-$try.bin"
done
ls "$library" >/dev/null || fail "the library does not list"
fault() { control faults "$1" >/dev/null || fail "fault rule refused: $1"; }
stall() { # the next transfer brings a part of a file, and nothing comes after that. (A repeated one of before may take it)
    control clear-faults >/dev/null
    fault '{"match":{"host":"content"},"count":1,"action":{"truncate_after":2000000,"stall":true}}'
    fault '{"match":{"host":"content"},"count":-1,"action":{"stall":true}}'
}

copy() { # from to; the program's pid goes to $copier. A shell's background programs ignore Ctrl-C
    env --default-signal=INT cp "$1" "$2" &
    copier=$!
}
is_gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
waits() { grep -q '^State:.D' "/proc/$1/status" 2>/dev/null || grep -q '^request_wait' "/proc/$1/wchan" 2>/dev/null; }
begins() { # what it writes: false when nothing came
    local end=$((SECONDS + 60))
    until [ -s "$1" ]; do
        if is_gone "$copier" || [ $SECONDS -ge $end ]; then
            interrupt "$copier"
            return 1
        fi
        sleep 0.1
    done
}
waits_or_gone() { waits "$1" || is_gone "$1"; }
interrupt() { # pid: true when nothing was answered before it was gone
    local before
    before=$(failures)
    kill -INT "$1" 2>/dev/null
    until_true 150 "the end of an interrupted copy" is_gone "$1"
    wait "$1" 2>/dev/null
    [ "$before" = "$(failures)" ]
}
failures() { grep -c 'read failed' "$work/state/mooring/mooring.log"; }

attempt_after_the_dead() {
    stall
    copy "$library/dead-$1.bin" "$work/first"
    first=$copier
    begins "$work/first" || return 1
    until_true 60 "a copy that waits" waits_or_gone "$first"
    interrupt "$first" || return 1
    copy "$library/dead-$1.bin" "$work/second"
    until_true 60 "a second copy that waits" waits_or_gone "$copier"
    interrupt "$copier"
}
attempt_beside_the_living() {
    local good=0
    stall
    copy "$library/alive-$1.bin" "$work/third"
    first=$copier
    begins "$work/third" || return 1
    until_true 60 "a copy that waits" waits_or_gone "$first"
    copy "$library/alive-$1.bin" "$work/fourth"
    until_true 60 "a second copy that waits" waits_or_gone "$copier"
    interrupt "$copier" || good=1
    interrupt "$first" || good=1
    return $good
}
attempt_to_replace() { # who cuts the file waits for its pages, and no signal reaches him
    local before
    stall
    copy "$library/cut-$1.bin" "$work/fifth"
    begins "$work/fifth" || return 1
    until_true 60 "a copy that waits" waits_or_gone "$copier"
    interrupt "$copier" || return 1
    before=$(failures)
    echo "something else" >"$library/cut-$1.bin" &
    until_true 150 "another content" is_gone $!
    wait $! || fail "a file whose copy was interrupted is not replaced"
    [ "$before" = "$(failures)" ]
}
one_of() { # attempt: on a machine that stands still for a minute it proves nothing
    local try
    for try in $(seq $ATTEMPTS); do
        rm -f "$work"/{first,second,third,fourth,fifth}
        "$1" "$try" && return
    done
    return 1
}
one_of attempt_after_the_dead || fail "after an interrupted copy, the next is not interrupted before the line gave up"
pass "after an interrupted copy, the next one is interrupted too"
one_of attempt_beside_the_living || fail "beside a copy that waits, another is not interrupted before the line gave up"
pass "and one beside a copy that waits"
one_of attempt_to_replace || fail "after an interrupted copy, the file is not replaced before the line gave up"
pass "and the file can be replaced"

# nothing of all that is remembered
control clear-faults >/dev/null
control reset-connections >/dev/null
whole() { timeout 150 cp "$library/dead-1.bin" "$work/whole" 2>/dev/null; }
until_true 300 "a whole copy" whole
expect "then a copy has what the server has" \
    "$(control item "{\"tenant\":\"$tenant\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"dead-1.bin\"}" | jq -r .sha256)" \
    "$(sha256sum <"$work/whole" | cut -d' ' -f1)"
agent_stop
