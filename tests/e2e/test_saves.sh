#!/usr/bin/env bash
# Saves as programs do them, through the mount and the agent as a user has them: each ends as one version of the same
# item, and no scratch name is ever on the server.
#
#     test_saves.sh [Background|BeforeClose]
. "$(dirname "$0")/lib.sh"
e2e_begin saves
replay=$MOORING_BIN/replay_saves
tenant_start "$(dirname "$0")/../tenant/scenarios/demo.json"
policy_write "Tenants:" "  - contoso.onmicrosoft.com" "WriteMode: ${1:-Background}"
agent_start
sign_in
library=$root/contoso/finance/"Shared Documents"
ls "$library" >/dev/null || fail "the library is not there"

folder=
truth() { control item "{\"tenant\":\"contoso\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"$folder/$1\"}" | jq -r "$2"; }
tree() {
    control tree "{\"tenant\":\"contoso\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"$folder\"}" |
        jq -r '.items[] | (.path // .name)' | LC_ALL=C sort
}
nothing_waits() { [ "$(mooring uploads list --json | jq '.uploads | length')" = 0 ]; }
# The server says the same twice, with more than the settling time between.
settled() {
    local now
    nothing_waits || return 1
    now=$(tree | md5sum)
    sleep 4
    nothing_waits && [ "$(tree | md5sum)" = "$now" ]
}

# All sequences in a folder of their own. The steps of a save are within the settling time of 3 seconds; where one took longer,
# as the machine had other things to do, it was two saves, and nothing can be said of the folder: all are done again in another.
declare -A ids versions
run_all() {
    local code
    mkdir "$library/$folder" || fail "mkdir"
    "$replay" prepare "$library/$folder" >"$work/prepare.txt" || fail "$(cat "$work/prepare.txt")"
    until_true 120 "the files that are there before" settled
    while IFS=$'\t' read -r name document kind _; do
        [ "$kind" = old ] || continue
        ids[$name]=$(truth "$name/$document" .id)
        versions[$name]=$(truth "$name/$document" .versions)
    done < <("$replay" list 2>/dev/null)
    control clear-log '{}' >/dev/null
    REST_SECONDS=5 QUICK_MS=2900 "$replay" run "$library/$folder" >"$work/run.txt"
    code=$?
    [ $code = 0 ] || [ $code = 3 ] || fail "$(grep FAIL "$work/run.txt")"
    return $code
}
for round in $(seq 20); do
    folder=saves$round
    run_all && break
    echo "     $(tail -n 1 "$work/run.txt"), again"
done
case $(tail -n 1 "$work/run.txt") in SLOW*) fail "no round was quick enough" ;; *) pass "$(tail -n 1 "$work/run.txt")" ;; esac
until_true 120 "the saves" settled
"$replay" check "$library/$folder" >"$work/check.txt" || fail "$(grep FAIL "$work/check.txt")"
pass "$(tail -n 1 "$work/check.txt")"

saves=0
while IFS=$'\t' read -r name document kind more rest; do
    before=0
    saves=$((saves + more))
    if [ "$kind" = old ]; then
        [ "${ids[$name]}" = "$(truth "$name/$document" .id)" ] || fail "$name: another item"
        before=${versions[$name]}
    fi
    now=$(truth "$name/$document" .versions)
    [ $((now - before)) = "$more" ] || fail "$name: $((now - before)) versions instead of $more"
    {
        echo "$name"
        echo "$name/$document"
        [ -z "$rest" ] || tr '\t' '\n' <<<"$rest" | sed "s|^|$name/|"
    } >>"$work/wanted.txt"
done < <("$replay" list 2>/dev/null)
[ -s "$work/wanted.txt" ] || fail "no sequence"
pass "each is the same item, with as many versions as it was saved"
LC_ALL=C sort -o "$work/wanted.txt" "$work/wanted.txt"
tree | sed "s|^$folder/||" >"$work/there.txt"
diff "$work/wanted.txt" "$work/there.txt" >"$work/diff.txt" || fail "the server has other files: $(cat "$work/diff.txt")"
pass "and nothing else is there"
control requests '{"since":0}' | jq -r '.requests[].path' |
    grep -iE '%7E(%24|WR)|~(\$|WR)|\.tmp|crdownload|\.dwl|goutputstream|\.sb-|%7Elock|4913|atmp' >"$work/scratch.txt" &&
    fail "scratch names in requests: $(cat "$work/scratch.txt")"
pass "no scratch name in any request"
# but what is asked of the library's changes, which is the same whether anybody saves
spent=$(control requests '{"since":0}' | jq '[.requests[] | select(.path | test("/delta|/token") | not) | .ru] | add')
[ "$spent" -gt 0 ] && [ "$spent" -le $((4 * saves)) ] || fail "$saves saves took $spent RU"
pass "$saves saves, $spent RU"
agent_stop
expect "nothing is left in the spool" 0 "$(find "$work/state/mooring/journal" -name '*.data' | wc -l)"
