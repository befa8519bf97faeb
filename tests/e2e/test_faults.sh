#!/usr/bin/env bash
# What goes wrong on the way: a page of a listing, the search, the token, the whole tenant.
. "$(dirname "$0")/lib.sh"
e2e_begin faults
tenant_start "$(dirname "$0")/../tenant/scenarios/demo.json"
policy_write "Tenants: [contoso.onmicrosoft.com]" "MetadataSeconds: 0" "RefreshMinutes: 5" "RequestSoftLimit: 0"
agent_start
sign_in
finance=$root/contoso/finance/"Shared Documents"
fault() { control faults "$1" >/dev/null || fail "fault rule refused: $1"; }
mappings() { status '.mappings | length'; }

# a page that fails for good: an error, never a short list
fault '{"match":{"path":"*/children*","query":"*skiptoken*"},"count":1000,"action":{"status":500}}'
ls "$finance/Five thousand" >"$work/list" 2>"$work/list.err" && fail "a listing with a failing page succeeded with $(wc -l <"$work/list") entries"
pass "a failing page fails the listing"
control clear-faults >/dev/null
expect "and it is complete afterwards" 5000 "$(ls "$finance/Five thousand" | wc -l)"

# trouble that passes
fault '{"match":{"path":"*/children*"},"count":1,"action":{"status":503,"headers":{"Retry-After":"1"}}}'
expect "503 with Retry-After is waited out" 12 "$(ls "$finance/Invoices" | wc -l)"
fault '{"match":{"path":"*/children*"},"count":1,"action":{"reset":true}}'
ls "$finance/Budget 2026" >/dev/null || fail "a reset was not repeated"
fault '{"match":{"path":"*/children*"},"count":1,"action":{"truncate_after":100}}'
ls "$finance/Invoices" >/dev/null || fail "a truncated listing was not repeated"
pass "reset and truncated answers are repeated"
fault '{"match":{"host":"content"},"count":1,"action":{"truncate_after":50000}}'
expect "a truncated download is continued" 54321 "$(cat "$finance/Budget 2026/Übersicht Kostenstellen.xlsx" | wc -c)"
control clear-faults >/dev/null

# search down: nothing is unmapped
before=$(mappings)
control search '{"outage":true}' >/dev/null || fail "search outage"
control clear-log >/dev/null
kill -HUP "$agent_pid"
searched() { control requests | grep -q search/query; }
until_true 120 "a new round of discovery" searched
until_true 120 "a warning about the search" sh -c "$(declare -f test_env mooring status); MOORING_BIN='$MOORING_BIN' work='$work'; [ -n \"\$(status '.accounts[0].warning // .accounts[0].error.message // empty')\" ]"
expect "search down: nothing is unmapped" "$before" "$(mappings)"
control search '{"outage":false}' >/dev/null

# the tenant goes away for a minute: the mount survives
control pause '{"seconds":60}' >/dev/null
LC_ALL=C timeout 100 cat "$finance/Budget 2026/Budget 2026.xlsx" >/dev/null 2>"$work/err"
ls "$root/contoso/finance" >/dev/null || fail "the top level does not list while the tenant is gone"
back() { cat "$finance/Budget 2026/Budget 2026.xlsx" >"$work/back" 2>/dev/null; }
until_true 120 "the file after the tenant came back" back
expect "after an outage the mount works" 134144 "$(wc -c <"$work/back")"

# the token is revoked: status says so, and how to go on
control revoke '{"tenant":"contoso"}' >/dev/null
ls "$finance/Invoices/$(ls "$finance/Invoices" 2>/dev/null | head -n 1)" >/dev/null 2>&1
signed_out() { ls "$finance/General" >/dev/null 2>&1; [ "$(status '.accounts[0].state')" = signed-out ] || [ "$(status '.accounts[0].state')" = waiting ]; }
until_true 120 "signed-out in status" signed_out
mooring status >"$work/status.txt"
expect "status exits 1" 1 $?
grep -Eq "mooring login|enter the code" "$work/status.txt" || fail "status does not say how to go on: $(cat "$work/status.txt")"
expect "a revoked token unmaps nothing" "$before" "$(mappings)"
approve_again() { approve_codes >/dev/null; [ "$(status '.accounts[0].state')" = signed-in ]; }
mooring login --device-code >"$work/login" 2>&1 &
until_true 120 "sign-in after the revocation" approve_again
expect "and it goes on" 12 "$(ls "$finance/Invoices" | wc -l)"
agent_stop
