#!/usr/bin/env bash
# The proxy of the user's Windows settings: a script served on loopback sends the hosts of sign-in to a proxy and the others
# directly; then a proxy with Basic authentication by policy, while the agent runs; then one that asks for Negotiate.
# shellcheck source=tests/wine/lib.sh
. "$(dirname "$0")/lib.sh"
proxy_pid=
wine_begin proxy
# Where the control panel keeps it: a number, a counter, flags (1 direct, 4 script), and three texts with their lengths.
internet='HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings\Connections'
settings() {
    /usr/bin/python3 -c 'import struct, sys; u = sys.argv[1].encode(); print((struct.pack("<6I", 0x46, 1, 5, 0, 0, len(u)) + u + bytes(32)).hex())' "$1"
}
stop_all() {
    local code=$?
    [ -n "$proxy_pid" ] && kill "$proxy_pid" 2>/dev/null
    reg delete "$internet" /v DefaultConnectionSettings /f >/dev/null 2>&1
    (exit $code)
    wine_end
}
trap stop_all EXIT
proxy_start() {
    [ -n "$proxy_pid" ] && kill "$proxy_pid" && wait "$proxy_pid" 2>/dev/null
    rm -f "$work/port"
    /usr/bin/python3 "$here/proxy.py" "$work/port" "$work/proxy.log" 500 "$@" >"$work/proxy.out" 2>&1 &
    proxy_pid=$!
    until_true 120 "start of the proxy" test -s "$work/port"
    port=$(cat "$work/port")
}
tenant_start "$here/../tenant/scenarios/tiny.json"
policy_base
reg add "$policies" /v LogLevel /t REG_DWORD /d 3 /f >/dev/null
login=$(jq -r .login_url "$work/ready.json" | sed 's,.*//,,; s,:.*,,')
graph=$(jq -r .graph_url "$work/ready.json" | sed 's,.*//,,; s,:.*,,')
[ "$login" != "$graph" ] || fail "the tenant has one host for both: $login"

: >"$work/proxy.log"
proxy_start "$login" --open
reg add "$internet" /v DefaultConnectionSettings /t REG_BINARY /d "$(settings "http://127.0.0.1:$port/proxy.pac")" /f >/dev/null
agent_start
sign_in
has "the script was asked for" '^pac$' "$(cat "$work/proxy.log")"
has "sign-in went by the proxy" "^connect $login:" "$(cat "$work/proxy.log")"
grep -q "connect $graph:" "$work/proxy.log" && fail "Graph went by the proxy, too"
pass "Graph went directly"

# by policy, live, with a password
: >"$work/proxy.log"
proxy_start none
reg add "$policies" /v ProxyUrl /t REG_SZ /d "http://anna:secret@127.0.0.1:$port" /f >/dev/null
reg add "$policies" /v Proxy /t REG_DWORD /d 2 /f >/dev/null
uses_proxy() { grep -q "connect $graph:" "$work/proxy.log"; }
# the agent asks again
reg add "$policies" /v LibraryScope /t REG_DWORD /d 0 /f >/dev/null
until_true 120 "a request by the proxy of policy" uses_proxy
has "after the proxy asked who we are" '^407 ' "$(cat "$work/proxy.log")"
grep -q secret "$prefix"/drive_c/users/*/AppData/Local/Mooring/mooring.log && fail "the password is in the log"
pass "the password is not in the log"
agent_stop

# One that asks for the session's sign-in, which Wine does not have: said, and not asked again and again. The sign-in
# itself is tested on a double of SSPI's table (tests/mapper/graph/test_proxy_auth.c).
: >"$work/proxy.log"
proxy_start none --negotiate
reg add "$policies" /v ProxyUrl /t REG_SZ /d "http://127.0.0.1:$port" /f >/dev/null
out=$(mooring doctor)
has "a proxy that asks for Negotiate is named" "the proxy at 127\.0\.0\.1:$port asks who you are \(HTTP 407" "$out"
has "with what to do" "sign in to Windows with an account it knows, or put name and password into ProxyUrl" "$out"
asked=$(grep -c '^407 ' "$work/proxy.log")
[ "$asked" -ge 1 ] && [ "$asked" -le 10 ] || fail "the proxy was asked $asked times"
pass "the proxy was asked $asked times"
grep -q Basic "$work/proxy.log" && fail "a password was sent"
pass "no password was sent"
