#!/usr/bin/env bash
# Sixteen programs write, read and rename for a minute while the server stumbles. At the end what was reported as saved is
# on the server byte by byte, and what was reported as failed is there as before, or kept and named in status.
. "$(dirname "$0")/lib.sh"
e2e_begin stress
seconds=${STRESS_SECONDS:-60}
seed=${STRESS_SEED:-$RANDOM}
echo "seed $seed (STRESS_SEED=$seed runs it again)"
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
policy_write "Tenants: [contoso.onmicrosoft.com]" "MetadataSeconds: 1" "MassDeleteThreshold: 0" "RequestSoftLimit: 0" \
    "RequestHardLimit: 0"
agent_start
sign_in
library=$root/contoso/finance/"Shared Documents"
[ -d "$library" ] || fail "the library is not there"
timeout 600 python3 "$(dirname "$0")/stress.py" "$library" "$seconds" "$seed" \
    "$MOORING_BIN/mooring-tenant" control "$tenant_state" >"$work/books.json" || fail "the stress program"
jq -r '.counts | to_entries[] | "     \(.value)\t\(.key)"' "$work/books.json"
expect "no byte was read that nobody wrote" "" "$(jq -r '.wrong[]' "$work/books.json")"
mooring uploads wait --seconds 60 >"$work/wait.txt" 2>&1 # deletes and renames settle; what is kept stays
nothing_runs() { [ "$(status '.files.uploadsRunning // 0')" = 0 ]; }
until_true 120 "the end of all uploads" nothing_runs
mooring status --json >"$work/status.json"
cat >"$work/balance.py" <<'PY'
import hashlib, json, subprocess, sys
books, status, control = json.load(open(sys.argv[1])), json.load(open(sys.argv[2])), sys.argv[3:]
kept = {}
def find(node):
    if isinstance(node, dict):
        for entry in node.get("unsaved", []) if isinstance(node.get("unsaved"), list) else []:
            with open(entry["spoolFile"], "rb") as f:
                kept.setdefault(entry.get("path", ""), []).append((hashlib.sha256(f.read()).hexdigest(), entry["reason"]))
        for child in node.values():
            find(child)
find(status)
bad = []
for path, book in books["files"].items():
    run = subprocess.run(control + ["item", json.dumps({"library": "/sites/finance/Shared Documents", "path": path})],
                         capture_output=True, text=True)
    server = json.loads(run.stdout).get("sha256") if run.returncode == 0 else None
    if "sha256" in book:
        if server != book["sha256"]:
            bad.append("%s: reported as saved, the server has %s" % (path, server and server[:8]))
        continue
    if server not in book["maybe"]:
        bad.append("%s: the server has %s, which nobody asked for" % (path, server and server[:8]))
    wanted = book["unsaved"]
    if wanted and server != wanted and not any(
            sha == wanted or "could not be had" in why for sha, why in kept.get(path, [])):
        bad.append("%s: the bytes that were not saved are neither kept nor named (%s)" % (path, kept.get(path)))
if "" in kept:
    bad.append("%d kept files have no name" % len(kept[""]))
print("\n".join(bad))
print("%d files, %d kept" % (len(books["files"]), sum(map(len, kept.values()))), file=sys.stderr)
PY
python3 "$work/balance.py" "$work/books.json" "$work/status.json" "$MOORING_BIN/mooring-tenant" control "$tenant_state" \
    >"$work/balance" || fail "the books cannot be read"
expect "the books balance" "" "$(cat "$work/balance")"
agent_stop
