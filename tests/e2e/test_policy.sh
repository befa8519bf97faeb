#!/usr/bin/env bash
# Whatever is wrong with the policy: the agent starts, says what is wrong, and shows what can be shown.
. "$(dirname "$0")/lib.sh"
e2e_begin policy
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")

# single values: the others count
policy_write "Tenants: [$domain]" "NoSuchSetting: 1" "CacheMinutes: many" "MaxMappings: 999999" "LogLevel: Info" "LogLevel: Debug"
agent_start
sign_in
[ "$(status '.mappings | length')" -ge 1 ] || fail "nothing is mapped with a partly wrong policy"
expect "four wrong values are counted" 4 "$(status .policyWarnings)"
mooring policy show --policy "$policy" >"$work/show.txt"
for key in NoSuchSetting CacheMinutes MaxMappings LogLevel; do
    grep -q "policy.yaml.*$key" "$work/show.txt" || fail "policy show does not name $key with its file: $(cat "$work/show.txt")"
    grep -q "policy.yaml.*$key" "$work/state/mooring/mooring.log" || fail "the log does not name $key"
done
pass "unknown, ill-typed, out of range and duplicate are named with file and key"
agent_stop

# whole files: nothing of them counts, so no tenant is configured; the agent says so and waits for a better policy
broken() { # NAME, a word of the message, exit code of policy check; the file is at $policy
    rm -f "$work/agent.out"
    agent_start
    expect "$1: the agent runs without an account" 0 "$(status '.accounts | length')"
    mooring status >"$work/status.txt"
    expect "$1: status exits 1" 1 $?
    grep -q "ClientId" "$work/status.txt" || fail "$1: status does not say that ClientId is missing"
    mooring policy check "$policy" >"$work/check.txt"
    expect "$1: policy check exits $3" "$3" $?
    grep -q "$2" "$work/check.txt" || fail "$1: expected '$2' in: $(head -c 500 "$work/check.txt")"
    agent_stop
}
{
    echo "a: &a [x, x, x, x, x, x, x, x]"
    for i in $(seq 30); do echo "k$i: &k$i [*a, *a, *a, *a, *a, *a, *a, *a]"; done
    echo "IncludeSites: *k30"
    echo "MountRoot: $root"
} >"$policy"
broken "alias bomb" "alias" 1
head -c 50000000 /dev/zero | tr '\0' 'x' >"$policy"
broken "50 MB" "MiB\|bytes\|large" 2
printf 'MountRoot: "%s\n  Tenants: [' "$root" >"$policy"
broken "syntax error" "policy.yaml:[0-9]" 2
