#!/usr/bin/env bash
# mooring report: a bundle that another program can open, in which no name of a file, site, tenant or person is, and no
# secret, although the log was at its most talkative while all of them were used.
. "$(dirname "$0")/lib.sh"
e2e_begin report
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")
policy_write "Tenants: [$domain]" "LogLevel: Debug" "ProxyBypass: hush.example" "NoSuchSetting: 1" "BlockedExtensions: [forbidden]"
agent_start
sign_in

library=$(find "$root" -mindepth 3 -maxdepth 3 -type d -not -path '*/drives/*' | head -n 1)
[ -d "$library" ] || fail "no library is mounted"
names=("Merger with Fabrikam.docx" "Bob's salary.xlsx" "'quoted' plans.txt" "Ünïcode-Kündigung.pdf")
for name in "${names[@]}"; do
    echo "the content nobody may see" >"$library/$name" || fail "'$name' cannot be written"
    cat "$library/$name" >/dev/null
done
mkdir "$library/Layoffs 2027"
mv "$library/Bob's salary.xlsx" "$library/Layoffs 2027/"
(echo x >"$library/a.forbidden") 2>/dev/null
cat "$library/No such Person.docx" 2>/dev/null
mooring explain "https://$domain/sites/nothing" >/dev/null
grep -q "Merger.*Fabrikam" "$work/state/mooring/mooring.log" || fail "the log names no file: this test shows nothing"

# what must not be in it; the pseudonyms' own dots and digits apart
{
    printf '%s\n' "Merger" "Fabrikam" "salary" "Bob" "plans.txt" "Kündigung" "Layoffs" "forbidden\"" "No such Person" "nobody may see" \
        "hush.example" "$domain" "${domain%%.*}"
    mooring status --json | jq -r '.accounts[] | .user, .name, .tenant | select(. != null)'
    mooring plan --json | jq -r '.wanted[] | .path, .label'
    find "$root" -mindepth 2 -printf '%f\n'
    jq -r '.. | strings | select(length > 20)' "$work"/state/mooring/tokens/token-*.json | grep -vE '^https?://|^[0-9a-f]{8}-'
} | awk 'length($0) > 3 && $0 != "OneDrive"' | sort -u >"$work/forbidden"
[ "$(wc -l <"$work/forbidden")" -gt 20 ] || fail "too few names are known: $(cat "$work/forbidden")"

check() { # NAME: what is in the bundle at $work/bundle.zip
    local what
    rm -rf "$work/bundle"
    /usr/bin/python3 - "$work" <<'PY' || fail "$1: the bundle cannot be opened"
import sys, zipfile
bundle = zipfile.ZipFile(sys.argv[1] + "/bundle.zip")
assert bundle.testzip() is None
bundle.extractall(sys.argv[1] + "/bundle")
PY
    for what in README.txt about.json doctor.json policy.json logs/mooring.log; do
        [ -s "$work/bundle/$what" ] || fail "$1: $what is missing"
    done
    for what in "$work"/bundle/*.json; do
        jq -e . "$what" >/dev/null || fail "$1: $what is no JSON"
    done
    # the README has words of ours only, which may be a folder's name too
    if grep -rnoiFf "$work/forbidden" "$work/bundle" --include='*.json' --include='*.log' >"$work/found"; then
        fail "$1: the bundle has $(sort "$work/found" | uniq -c | head -n 8)"
    fi
    pass "$1: no name and no secret is in it"
}

mooring report --policy "$policy" --output "$work/bundle.zip" >"$work/report.txt"
expect "report ends with" 0 $?
grep -q "$work/bundle.zip" "$work/report.txt" || fail "it does not say where: $(cat "$work/report.txt")"
expect "the bundle is the user's alone" 600 "$(stat -c %a "$work/bundle.zip")"
check "with an agent"
expect "status is in it" np "$(jq -r .transport.name "$work/bundle/status.json")"
expect "with its numbers" "$(status '.mappings | length')" "$(jq '.mappings | length' "$work/bundle/status.json")"
expect "what the agent maps is in it" mapped "$(jq -r '[.libraries[].verdict] | unique | .[0]' "$work/bundle/plan.json")"
expect "choices of the policy are in it" Debug "$(jq -r '.settings[] | select(.name == "LogLevel") | .value' "$work/bundle/policy.json")"
expect "a name is a number" true "$(jq '.accounts[0].user | test("^<[0-9]+>$")' "$work/bundle/status.json")"
expect "the log is as long as before" true "$([ "$(wc -l <"$work/bundle/logs/mooring.log")" -gt 20 ] && echo true)"
expect "the doctor found the policy's warning" warning "$(jq -r '[.checks[] | select(.name == "policy") | .level] | unique | .[-1]' "$work/bundle/doctor.json")"

mooring report --policy "$policy" --output "$work/bundle.zip" >"$work/report.txt" 2>&1
expect "a bundle that is there stays" 2 $?
rm "$work/bundle.zip"
agent_stop
mooring report --policy "$policy" --offline --json --output "$work/bundle.zip" >"$work/report.json"
expect "without an agent, report ends with" 0 $?
expect "and names the file" "$work/bundle.zip" "$(jq -r .file "$work/report.json")"
rm -rf "$work/bundle"
/usr/bin/python3 -m zipfile -e "$work/bundle.zip" "$work/bundle"
[ ! -e "$work/bundle/status.json" ] || fail "there is a status of no agent"
for name in Merger salary Kündigung Layoffs "${domain%%.*}."; do
    ! grep -rqF -- "$name" "$work/bundle" || fail "without an agent: '$name' is in the bundle"
done
pass "without an agent: no name that was quoted is in it"
