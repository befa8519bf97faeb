#!/usr/bin/env bash
# The line is gone, and what is saved waits in the journal for longer and longer; when the system has a way out again, it is
# sent at once, and not at the time of the next try. In a network namespace of its own, whose only interface goes down and up.
if [ "${E2E_NAMESPACE:-}" != yes ]; then
    flags=(--mount --propagation private --net)
    [ "$(id -u)" = 0 ] || flags+=(--user --map-root-user)
    unshare "${flags[@]}" true 2>/dev/null || { echo "SKIP: unshare ${flags[*]} is not allowed here"; exit 77; }
    E2E_NAMESPACE=yes exec unshare "${flags[@]}" bash "$0"
fi
. "$(dirname "$0")/lib.sh"
e2e_begin network
FAR=45 # seconds that the next try shall be away, which is about the sixth; the agent looks every five for what it was told
network_up() { ip link set lo up && ip route add default dev lo; }
network_down() { # the route goes with the interface; without an address nothing is waited for
    control reset-connections >/dev/null
    ip addr del 127.0.0.1/8 dev lo && ip link set lo down
}
network_up || { echo "SKIP: the network cannot be set up here"; exit 77; }
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
policy_write "Tenants: [contoso.onmicrosoft.com]" "WriteMode: Background" "DrainSeconds: 0"
agent_start
sign_in ana
library=$root/contoso/finance/"Shared Documents"
until_true 120 "the library" test -d "$library"
ls "$library" >/dev/null

network_down || fail "the interface does not go down"
for i in 1 2 3 4; do echo "without a line $i" >"$library/file $i.txt" || fail "save $i without a line"; done
# The upload whose next try is the last one: its time, in $at, and its name, in $last.
next_try() {
    local path
    IFS=$'\t' read -r at path < <(mooring uploads list --json |
        jq -r '[.uploads[] | select(.state == "retry")] | max_by(.retryAt) // empty | [.retryAt, .path] | @tsv')
    last=$path
    [ -n "$at" ] && [ $(($(date -d "$at" +%s) - $(date +%s))) -ge $FAR ]
}
at='' last=''
until_true 300 "a try that is far away" next_try
pass "$(mooring uploads list --json | jq '.uploads | length') saves wait; the next try of '$last' is at $at"

network_up
all_sent() { [ "$(mooring uploads list --json | jq '.uploads | length')" = 0 ]; }
until_true 300 "sending what waited" all_sent
sent=$(control requests | jq -r --arg name "${last// /%20}" '[.requests[] | select(.method == "PUT" and (.path | contains($name)))][0].time')
[ "$(date -d "$sent" +%s%3N)" -lt "$(date -d "$at" +%s%3N)" ] || fail "'$last' was sent at $sent: it waited for its next try at $at"
pass "'$last' was sent at $sent"
for i in 1 2 3 4; do
    expect "file $i.txt" "$(echo "without a line $i" | sha256sum | cut -d' ' -f1)" \
        "$(control item "{\"tenant\":\"contoso\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"file $i.txt\"}" | jq -r .sha256)"
done
expect "the agent says why" 1 "$(grep -c 'another network' "$work/state/mooring/mooring.log")"
agent_stop
