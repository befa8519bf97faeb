#!/usr/bin/env bash
# 2,000 files in 200 folders: copied in with cp -a, compared, moved, deleted.
. "$(dirname "$0")/lib.sh"
e2e_begin tree
tenant_start "$(dirname "$0")/../tenant/scenarios/million.json"
policy_write "Tenants: [contoso.onmicrosoft.com]" "MassDeleteThreshold: 0" "RequestSoftLimit: 0"
agent_start
sign_in
library=$root/contoso/archive/Empty

python3 - "$work/source" <<'PY'
import os, random, sys
rng = random.Random(7)
root = sys.argv[1]
for d in range(200):
    folder = os.path.join(root, "part %d" % (d % 20), "Ordner ä%d" % d) if d % 2 else os.path.join(root, "f%03d" % d)
    os.makedirs(folder)
    for f in range(10):
        path = os.path.join(folder, "file %d-%d.bin" % (d, f))
        with open(path, "wb") as out:
            out.write(rng.randbytes(rng.choice([0, 1, 100, 4096, 20000])))
        os.utime(path, (1500000000 + d * 100 + f, 1500000000 + d * 100 + f))
PY
cp -a "$work/source" "$library/copied" || fail "cp -a"
diff -r "$work/source" "$library/copied" || fail "the copy differs"
pass "2,000 files copied and equal"
files() { control tree '{"library":"/sites/archive/Empty","path":"copied"}' | jq '[.items[] | select(.folder | not)] | length'; }
all_arrived() { [ "$(files)" = 2000 ]; }
until_true 120 "the arrival of all files" all_arrived # those without content wait a little for it
expect "all are on the server" 2000 "$(files)"
# not of empty files: they cannot go by upload session, which carries the times, and a PATCH would be a second version
expect "with their times" 0 "$(cd "$work/source" && find . -type f -size +0 -printf '%T@ %p\n' | sed 's/\.[0-9]* / /' | sort >"$work/a" &&
    cd "$library/copied" && find . -type f -size +0 -printf '%T@ %p\n' | sed 's/\.[0-9]* / /' | sort | diff "$work/a" - | wc -l)"
versions=$(control tree '{"library":"/sites/archive/Empty","path":"copied"}' | jq '[.items[] | select(.versions > 1)] | length')
expect "each as one version" 0 "$versions"
mv "$library/copied" "$library/moved" || fail "mv"
diff -r "$work/source" "$library/moved" || fail "the moved tree differs"
pass "moved"
rm -r "$library/moved" || fail "rm -r"
all_gone() { [ "$(control tree '{"library":"/sites/archive/Empty"}' | jq '.items | length')" = 0 ]; }
until_true 120 "the last deletes" all_gone # of single files wait, since they may be steps of a save
expect "deleted on the server" 0 "$(control tree '{"library":"/sites/archive/Empty"}' | jq '.items | length')"
agent_stop
