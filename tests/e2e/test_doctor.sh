#!/usr/bin/env bash
# mooring doctor: content with what is in order, and what it says of each thing that is not.
. "$(dirname "$0")/lib.sh"
e2e_begin doctor
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")

doctor() {
    mooring doctor --policy "$policy" --json "$@" >"$work/doctor.json"
    doctor_code=$?
    jq -e '.checks | length > 0' "$work/doctor.json" >/dev/null || fail "doctor prints no checks: $(head -c 300 "$work/doctor.json")"
    jq -e 'all(.checks[]; .level == "ok" or (.text != "" and .advice != "" ))' "$work/doctor.json" >/dev/null ||
        fail "a check says nothing"
}
level() { jq -r "[.checks[] | select(.name == \"$1\") | .level] | unique | join(\",\")" "$work/doctor.json"; }
text() { jq -r ".checks[] | select(.name == \"$1\") | .text + \"; \" + .advice" "$work/doctor.json"; }
expect_text() {
    text "$2" | grep -q -- "$3" || fail "$1: no '$3' in: $(text "$2")"
    pass "$1"
}

policy_write "Tenants: [$domain]"
doctor
expect "without an agent, doctor ends with" 1 $doctor_code
expect "and the agent's check has failed" failed "$(level agent)"
expect_text "and says how to start one" agent 'mooring agent'
expect "the hosts are reached all the same" ok,ok "$(level 'login host'),$(level 'Graph host')"

agent_start
sign_in
doctor
expect "doctor is content with an agent that works: $(jq -c '[.checks[] | select(.level != "ok")]' "$work/doctor.json")" 0 $doctor_code
for name in policy state tokens journal cache FUSE 'login host' 'Graph host' clock certificate agent sign-in mount uploads; do
    [ "$(level "$name")" = ok ] || fail "$name is '$(level "$name")'"
done
pass "every check is there"
mooring doctor --policy "$policy" >"$work/doctor.txt"
expect "as text it ends with 0, too" 0 $?
expect "with one line a check and one more" "$(($(jq '.checks | length' "$work/doctor.json") + 1))" "$(wc -l <"$work/doctor.txt")"
# without --policy it judges what the agent goes by, which was started with one
mooring doctor --json >"$work/doctor.json"
doctor_code=$?
expect "beside an agent with --policy: $(jq -c '[.checks[] | select(.level != "ok")]' "$work/doctor.json")" 0 $doctor_code
expect_text "it says whose policy it judges" policy "agent.*--policy"
expect_text "and names the file" policy "'$policy'"
if ls "$work"/state/mooring/doctor-test* "$work"/state/mooring/tokens/doctor-test* 2>/dev/null; then
    fail "doctor left a file behind"
fi
pass "it leaves nothing behind"

# a person signs out
mooring logout >/dev/null
doctor
expect "signed out: it ends with" 1 $doctor_code
expect_text "and names the command" sign-in 'mooring login'
agent_stop

# a certificate that nobody here trusts: who issued it, and what to set
sed -i '/^CaFile/d' "$policy"
doctor
expect "a strange certificate is a failure" failed "$(level 'login host')"
expect_text "it names the issuer" 'login host' "issued by '.*[a-zA-Z]"
expect_text "and the setting" 'login host' CaFile

# a proxy that is not there, one that is not needed, a wrong value
policy_write "Tenants: [$domain]" "Proxy: Manual" "ProxyUrl: http://127.0.0.1:9" "CacheMinutes: many"
doctor
expect "a dead proxy is a failure" failed "$(level 'login host')"
expect_text "with the settings to look at" 'login host' ProxyUrl
expect_text "a wrong value is named" policy 'policy show'

# hosts that are not asked
requests=$(control stats | jq .requests)
policy_write "Tenants: [$domain]"
doctor --offline
expect "offline asks no host" "$requests" "$(control stats | jq .requests)"
[ -z "$(level 'login host')" ] || fail "offline has a check of hosts"

# where nothing can be written
if [ "$(id -u)" != 0 ]; then
    chmod 500 "$work/state/mooring/tokens"
    doctor --offline
    expect "tokens that cannot be written are a failure" failed "$(level tokens)$(level state)"
fi
exit 0
