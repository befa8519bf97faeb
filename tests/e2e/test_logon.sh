#!/usr/bin/env bash
# 150 sites with 300 libraries, 40 ms away: all mapped by at most 10 requests from a valid refresh token; and a second start
# with the tenant gone shows them at once.
. "$(dirname "$0")/lib.sh"
e2e_begin logon
tenant_start "$(dirname "$0")/../tenant/scenarios/big.json" --rtt-ms 40
policy_write "Tenants: [contoso.onmicrosoft.com]"
agent_start
sign_in
agent_stop
count_libraries() { find "$root" -mindepth 3 -maxdepth 3 -path "*/project-*" 2>/dev/null | wc -l; }

# cold: nothing is known but the refresh token
find "$work/state/mooring" -name 'state*' -delete
python3 - "$work"/state/mooring/tokens/* <<'PY'
import json, sys
# only the token stays: who the tenant is, and its endpoints, must be asked again
for path in sys.argv[1:]:
    try:
        data = json.load(open(path))
    except ValueError:
        continue
    kept = {k: v for k, v in data.items() if k in ("version", "refresh_token", "client_id", "tenant", "login_url", "scope")}
    json.dump(kept, open(path, "w"))
PY
control clear-log >/dev/null
agent_start
discovered() { [ "$(status '[.accounts[] | select(.discovered)] | length')" = 1 ]; }
until_true 120 "discovery from the refresh token" discovered
sent() { control requests | jq "[.requests[] | select(.batch | not)]"; }
requests=$(sent | jq length)
expect "300 libraries are visible" 300 "$(count_libraries)"
sent | jq -r '.[] | "  " + .method + " " + .host + " " + .path'
[ "$requests" -le 10 ] || fail "$requests requests for a cold logon, at most 10 are allowed"
[ "$requests" -ge 3 ] || fail "only $requests requests in the log: the log is wrong"
pass "with $requests requests"
agent_stop

# warm, and the tenant is gone
tenant_stop
agent_start
expect "300 libraries are visible without any answer" 300 "$(count_libraries)"
one=$(find "$root" -mindepth 3 -maxdepth 3 -path "*/project-*" 2>/dev/null | head -n 1)
before=$SECONDS
out=$(LC_ALL=C ls "$one" 2>&1) && fail "listing a library worked without its server"
case $out in *"Input/output error"*) ;; *) fail "expected an I/O error, got: $out" ;; esac
[ $((SECONDS - before)) -le 70 ] || fail "the error came after the deadline of 60 s"
pass "opening a library says I/O error within its deadline"
expect "the top levels still list" 300 "$(count_libraries)"
agent_stop
