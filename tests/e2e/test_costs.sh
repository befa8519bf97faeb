#!/usr/bin/env bash
# What a user's actions cost, in resource units by the tenant's count: no more than the table in deploy/docs/linux.md says.
. "$(dirname "$0")/lib.sh"
e2e_begin costs
docs=$(dirname "$0")/../../deploy/docs/linux.md
tenant_start "$(dirname "$0")/../tenant/scenarios/demo.json"
policy_write "Tenants: [contoso.onmicrosoft.com]" "MetadataSeconds: 3600" "WriteMode: Background" "MassDeleteThreshold: 0"
agent_start
sign_in
library=$root/contoso/finance/"Shared Documents"
discovered() { [ "$(status '[.accounts[] | select(.discovered)] | length')" = 1 ]; }
until_true 120 "discovery" discovered
ls "$library" >/dev/null || fail "the library is not there"
folder="$library/Budget 2026" # the only one that is looked into: whoever looks into more gets the next ones listed ahead

begin() { control clear-log >/dev/null; }
nothing_waits() { [ "$(mooring uploads list --json | jq '.uploads | length')" = 0 ]; }
# costs ACTION: what was spent since `begin` is what the document says of it, or less
costs() {
    local told spent
    told=$(sed -n "s/^| $1 | \([0-9]*\) |\$/\1/p" "$docs")
    [ -n "$told" ] || fail "the document says nothing of '$1'"
    until_true 120 "what '$1' sends" nothing_waits
    spent=$(control requests | jq '[.requests[] | select(.path | test("/token$") | not) | .ru] | add // 0')
    [ "$spent" -le "$told" ] || {
        control requests | jq -c '.requests[] | [.method, .path, .ru]'
        fail "$1: $spent RU, not $told"
    }
    pass "$1: $spent RU"
}

begin
ls "$folder" >/dev/null || fail "a listing"
costs "open a folder, for each 1,000 entries"
begin
ls -l "$folder" >/dev/null || fail "a listing"
costs "look at it again within \`MetadataSeconds\`"
file="$folder/Budget 2026.xlsx"
begin
cat "$file" >/dev/null || fail "a read"
costs "open and read a file, up to 8 MB"
begin
cat "$file" >/dev/null || fail "a second read"
costs "read it again, while it is in the cache"
begin
echo new >"$folder/new.txt" || fail "a new file"
costs "save a new file"
begin
echo newer >"$folder/new.txt" || fail "a save"
costs "save a file again, in whatever way its program does it"
begin
mkdir "$folder/folder" || fail "a folder"
costs "make a folder"
begin
mv "$folder/new.txt" "$folder/folder/other.txt" || fail "a move"
costs "rename or move a file or a folder"
begin
rm "$folder/folder/other.txt" || fail "a delete"
costs "delete a file"
begin
rmdir "$folder/folder" || fail "a delete of a folder"
costs "delete an empty folder"
agent_stop
