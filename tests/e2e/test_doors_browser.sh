#!/usr/bin/env bash
# A real browser: Chromium without a screen signs in by authorization code and PKCE through `mooring login`, and opens what
# `mooring view` launches.
. "$(dirname "$0")/lib.sh"
e2e_begin doors_browser
if ! command -v chromium >/dev/null; then
    echo "SKIP: chromium is not installed"
    exit 77
fi
cat >"$work/scenario.json" <<'JSON'
{"tenants": [{"name": "contoso", "users": [{"name": "ana", "display_name": "Ana Ruiz"}, {"name": "ben"}],
  "sites": [{"path": "/sites/finance", "title": "Finance", "libraries": [{"path": "Shared Documents",
    "tree": {"items": [{"name": "a #1 100% ü.docx", "document": "one"}]}}]}]}]}
JSON
tenant_start "$work/scenario.json"
policy_write "Tenants: [contoso.onmicrosoft.com]"
sed -i 's/^SignIn: .*/SignIn: Browser/' "$policy"

# The browser believes the keys of this tenant and of nobody else.
key_hash() { openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64; }
hashes=$(key_hash <"$ca_file"),$(openssl s_client -connect "127.0.0.1:$tenant_port" -servername login.localhost \
    </dev/null 2>/dev/null | key_hash)
rules="MAP *.sharepoint.com 127.0.0.1:$tenant_port, MAP *.localhost 127.0.0.1, EXCLUDE localhost"
mkdir "$work/bin"
cat >"$work/bin/xdg-open" <<SH
#!/bin/sh
HOME="$work/home" /usr/bin/python3 "$(cd "$(dirname "$0")" && pwd)/browser.py" "$work/profile" "$hashes" "$rules" \\
    "\$1" ana >"$work/seen.part" 2>"$work/browser.err" && mv "$work/seen.part" "$work/seen"
SH
chmod +x "$work/bin/xdg-open"
export BROWSER=true # of the agent, which asks on its own: nobody is there
agent_start
PATH=$work/bin:$PATH
unset BROWSER
timeout 100 env HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
    XDG_RUNTIME_DIR="$work/run" "$MOORING_BIN/mooring" login >"$work/login.out" 2>&1 ||
    fail "mooring login: $(cat "$work/login.out" "$work/browser.err")"
until_true 120 "the browser's page" test -s "$work/seen"
grep -q "code_challenge_method=S256" "$work/login.out" || fail "no PKCE: $(cat "$work/login.out")"
pass "signed in by the browser, with PKCE"
expect "the form was filled in by the person" true "$(jq '.forms >= 1' "$work/seen")"
expect "and led back to the loopback" true "$(jq '.url | startswith("http://localhost:")' "$work/seen")"
expect "the account is the one who signed in" "ana@contoso.onmicrosoft.com signed-in" \
    "$(status '.accounts[0] | .user + " " + .state')"
discovered() { [ "$(status '[.accounts[] | select(.discovered)] | length')" = 1 ]; }
until_true 120 "discovery" discovered

lib="$root/contoso/finance/Shared Documents"
for what in "$lib/a #1 100% ü.docx" "$lib" "$root/contoso/finance"; do
    rm -f "$work/seen"
    launched=$(mooring view --json "$what" | jq -r .opened)
    until_true 120 "the browser's page" test -s "$work/seen"
    expect "the browser is at ${launched##*.com}" "$launched" "$(jq -r .url "$work/seen")"
done
agent_stop
