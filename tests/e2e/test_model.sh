#!/usr/bin/env bash
# The model test (tests/model) on a mount of the agent: each worker is a process that knows what each of its calls must answer,
# while somebody else changes files in the same folders by the tenant's control port, and the server stumbles. At the end what
# the mount shows is what is on the server, byte for byte, before and after another agent has begun.
#
# More of it by hand; quiet: nobody else, and no faults:
#
#     MODEL_OPS=5000 MODEL_SEED=7 [MODEL_QUIET=1] tests/e2e/test_model.sh
. "$(dirname "$0")/lib.sh"
e2e_begin model
ops=${MODEL_OPS:-700}
seed=${MODEL_SEED:-1}
model=$MOORING_BIN/../tests/model_mount
where='"tenant":"contoso","library":"/sites/finance/Shared Documents"'
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
policy_write "Tenants: [contoso.onmicrosoft.com]" "MetadataSeconds: 1" "MassDeleteThreshold: 0" "RequestSoftLimit: 0" \
    "RequestHardLimit: 0"
agent_start
sign_in
library=$root/contoso/finance/"Shared Documents"
until_true 120 "the library" test -d "$library"
mkdir "$library/model" || fail "mkdir"

# Somebody else, by names that no worker has; one request after the other, until the workers are done. When they compare what
# they have, he and the faults rest, and all is on the server (tests/model/world_mount.c).
elsewhere() {
    local i=0 rested=0 number is_armed=no after common
    while [ -d "$work" ] && [ ! -e "$work/over" ]; do
        if number=$(cat "$work/rest" 2>/dev/null) && [ -n "$number" ]; then
            if [ "$number" != "$rested" ]; then
                control clear-faults
                mooring uploads wait --seconds 120
                is_armed=no
                rested=$number
                echo "$rested" >"$work/resting"
            fi
            sleep 0.05
            continue
        fi
        [ -s "$work/at" ] || continue # the first run has not begun
        # Two of seven requests, whatever their pace: when all wait for their next try, a fault that came by the clock would
        # meet that one.
        if [ $is_armed = no ]; then
            for after in $(seq 5 5 100); do
                control faults "{\"match\":{\"host\":\"graph\"},\"after\":$after,\"count\":2,\"action\":{\"status\":503}}"
            done
            is_armed=yes
        fi
        i=$((i + 1))
        common=model/run-$(<"$work/at")/common
        control write "{$where,\"user\":\"ben\",\"path\":\"$common/x$((i % 5)) Note.txt\",\"text\":\"note $i\"}"
        [ $((i % 3)) = 0 ] && control write "{$where,\"user\":\"ben\",\"path\":\"$common/deep/x$((i % 4)).txt\",\"text\":\"$i\"}"
        [ $((i % 7)) = 0 ] && control delete "{$where,\"user\":\"ben\",\"path\":\"$common/x$(((i + 2) % 5)) Note.txt\"}"
        [ $((i % 40)) = 0 ] && control resync "{$where}"
        sleep 0.05
    done >"$work/elsewhere.out" 2>&1
}
others=(--elsewhere "$work")
elsewhere_pid=
if [ -n "${MODEL_QUIET:-}" ]; then
    others=()
else
    elsewhere &
    elsewhere_pid=$!
fi
timeout 800 "$model" --ops "$ops" --seed "$seed" --seconds 400 --shrink 120 --out "$work/model.txt" "${others[@]}" \
    "$library/model" >"$work/model.out" 2>&1
result=$?
touch "$work/over"
[ -z "$elsewhere_pid" ] || wait "$elsewhere_pid"
[ $result = 0 ] || fail "$(head -n 3 "$work/model.out")"
stumbles=$(control requests | jq '[.requests[] | select(.status == 503)] | length')
[ -n "${MODEL_QUIET:-}" ] || [ "$stumbles" -gt 0 ] || fail "the server did not stumble once"
pass "$(tail -n 1 "$work/model.out")"
control clear-faults >/dev/null

mooring uploads wait --seconds 120 >"$work/wait.txt" 2>&1
here() {
    (cd "$library/model" && find . -type f ! -iname '~WRD*' -print0 | LC_ALL=C sort -z | xargs -0r sha256sum) 2>/dev/null |
        sed 's|^\([0-9a-f]*\) *\./|\1 |'
}
there() {
    control tree "{$where,\"path\":\"model\"}" | jq -r '.items[] | select(.folder | not) | (.path // .name)' |
        grep -vi '\(^\|/\)~WRD[^/]*$' | LC_ALL=C sort | while IFS= read -r path; do
        path=${path#model/}
        printf '%s %s\n' "$(control item "{$where,\"path\":\"model/$path\"}" | jq -r .sha256)" "$path"
    done
}
same() {
    here >"$work/here.txt"
    there >"$work/there.txt"
    cmp -s "$work/here.txt" "$work/there.txt"
}
until_true 120 "the same files here and there" same
pass "what is shown is what the server has: $(wc -l <"$work/here.txt") files"
expect "no false conflict" "" "$(grep -i "(conflict" "$work/there.txt")"
agent_stop
agent_start
until_true 120 "the library of the next agent" test -d "$library/model"
until_true 120 "the same files after another agent began" same
pass "the next agent shows the same"
agent_stop
