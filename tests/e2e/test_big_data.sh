#!/usr/bin/env bash
# Sizes: 2 GiB through the mount with little memory, a folder of 100,000 entries, a library of a million items.
. "$(dirname "$0")/lib.sh"
e2e_begin big_data
tenant_start "$(dirname "$0")/../tenant/scenarios/million.json"
policy_write "Tenants: [contoso.onmicrosoft.com]" "BlockAboveMB: 0" "ReadOnlyAboveMB: 0"
agent_start
sign_in
archive=$root/contoso/archive

rss_peak_kib() { awk '/^VmHWM/ {print $2}' "/proc/$agent_pid/status"; }
echo 5 >"/proc/$agent_pid/clear_refs" 2>/dev/null || true # resets the peak
read_sum=$(sha256sum <"$archive/Large/two GiB.bin" | cut -d' ' -f1) || fail "read of 2 GiB"
peak=$(rss_peak_kib)
truth=$(control item '{"library":"/sites/archive/Large","path":"two GiB.bin"}' | jq -r .sha256)
expect "2 GiB are read unchanged" "$truth" "$read_sum"
[ "$peak" -lt 65536 ] || fail "RSS rose to $peak KiB, 65536 are allowed"
pass "with a peak RSS of $peak KiB"

expect "100,000 entries are listed" 100000 "$(ls -U "$archive/Flat/Hundred thousand" | wc -l)"
expect "each once" 100000 "$(ls -U "$archive/Flat/Hundred thousand" | sort -u | wc -l)"

# a million items: only what is visited costs anything
control clear-log >/dev/null
expect "the library's top has its 1,000 folders" 1000 "$(ls -U "$archive/Shared Documents" | wc -l)"
first=$(ls -U "$archive/Shared Documents" | sed -n 500p)
expect "a folder in the middle has its files" 999 "$(ls -U "$archive/Shared Documents/$first" | wc -l)"
file=$(ls -U "$archive/Shared Documents/$first" | sed -n 3p)
cat "$archive/Shared Documents/$first/$file" >"$work/one" || fail "a file is not read"
[ -s "$work/one" ] || fail "the file is empty"
requests=$(control requests | jq '.requests | length')
[ "$requests" -le 25 ] || fail "$requests requests to visit one of 1,000 folders"
pass "visited with $requests requests"
agent_stop
