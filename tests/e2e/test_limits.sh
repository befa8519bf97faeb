#!/usr/bin/env bash
# What the service refuses, as programs see it: names (graph-facts section 8) on every way a name is made, a full drive, infected
# files, retention, notebooks, files that are checked out, and the three shapes of 423.
. "$(dirname "$0")/lib.sh"
e2e_begin limits
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")
tenant=${domain%%.*}
policy_write "Tenants: [$domain]" "MetadataSeconds: 0"
agent_start
sign_in ana
library=$(status '[.mappings[].path | select(endswith("finance/Shared Documents"))][0]')
case $library in /*) ;; *) library=$root/$library ;; esac
finance=${library%/*}
change() { # verb path [more members]
    control "$1" "{\"tenant\":\"$tenant\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"$2\"${3:+,$3}}" >/dev/null ||
        fail "the tenant refused $1 of $2"
}
server_text() { control item "{\"tenant\":\"$tenant\",\"library\":\"/sites/finance/Shared Documents\",\"path\":\"$1\"}" | jq -r '.sha256'; }

# --- names
python3 - "$library" <<'PY' || fail "names"
import errno, os, sys
root = sys.argv[1]
sub = os.path.join(root, "General")
bad = ['a"b', 'a*b', 'a:b', 'a<b', 'a>b', 'a?b', 'a\\b', 'a|b', ' a', 'a ', 'a.', '.lock', 'CON', 'prn', 'AUX.txt', 'nul', 'COM0', 'com9.x',
       'LPT1', 'a_vti_b', 'a\x01b', 'a\nb', 'a\x1fb']
bad_folders = ['~folder']
local = ['~$doc.docx', 'desktop.ini'] # stay on the machine as files, and are refused as anything else
long = ['x' * 256, 'ä' * 128 + 'x' * 128]
wrong = 0
def expect(what, name, codes, call):
    global wrong
    try:
        call()
        got = 0
    except OSError as e:
        got = e.errno
    if got not in codes:
        print("%s %r: %s, not %s" % (what, name, errno.errorcode.get(got, got), [errno.errorcode.get(c, c) for c in codes]))
        wrong += 1
def create(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
file, folder = os.path.join(sub, "file.txt"), os.path.join(sub, "folder")
with open(file, "w") as out:
    out.write("text")
os.mkdir(folder)
for names, codes, kinds in ((bad, [errno.EINVAL], 'fd'), (bad_folders, [errno.EINVAL], 'd'), (local, [errno.EINVAL], 'd'),
                            (long, [errno.ENAMETOOLONG], 'fd')):
    for name in names:
        path = os.path.join(sub, name)
        if 'f' in kinds:
            expect("create", name, codes, lambda: create(path))
            expect("rename a file to", name, codes, lambda: os.rename(file, path))
        expect("mkdir", name, codes, lambda: os.mkdir(path))
        expect("rename a folder to", name, codes, lambda: os.rename(folder, path))
expect("mkdir in the root", "forms", [errno.EINVAL], lambda: os.mkdir(os.path.join(root, "forms")))
expect("create", "x" * 255, [0], lambda: create(os.path.join(sub, "x" * 255)))
deep = sub
for i in range(8):
    if len(os.path.relpath(deep, root)) + 61 > 330:
        break
    deep = os.path.join(deep, "d" * 60)
    os.mkdir(deep)
expect("a path of more than 400", "...", [errno.ENAMETOOLONG], lambda: create(os.path.join(deep, "y" * 200)))
for name in ('a#b%20c.txt', 'ünïcode 日本語.txt', "it's (1) & more;,=+@![]{}.txt", '.hidden', '100%.txt', '~file.txt'):
    expect("create", name, [0], lambda: create(os.path.join(sub, name)))
sys.exit(wrong != 0)
PY
pass "names that the service refuses are refused at create, mkdir and rename, with EINVAL or ENAMETOOLONG"

# --- a full drive
python3 - "$finance/Tiny quota" <<'PY' || fail "quota"
import errno, os, sys
path = os.path.join(sys.argv[1], "large.bin")
space = os.statvfs(sys.argv[1])
if space.f_blocks * space.f_frsize > 200000:
    sys.exit("statfs says %d bytes" % (space.f_blocks * space.f_frsize))
fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o666)
try:
    os.write(fd, b"x" * 200000)
    os.close(fd)
except OSError as e:
    sys.exit(0 if e.errno == errno.ENOSPC else "not ENOSPC: %s" % e)
sys.exit("200 kB went into a quota of 100 kB")
PY
pass "a full drive is ENOSPC"

# --- infected
LC_ALL=C cat "$library/Virus.txt" >"$work/out" 2>"$work/err" && fail "an infected file was read"
grep -q "Permission denied\|Operation not permitted" "$work/err" || fail "an infected file: $(cat "$work/err")"
pass "an infected file is not opened: $(sed 's/.*: //' "$work/err")"

# --- retention: a file that is a record. (A hold keeps a folder from being deleted with all in it, which no program here does.)
change write "record.txt" '"text":"kept"'
change record "record.txt" '"record":true,"label":"Tax"'
until_true 120 "the record" test -e "$library/record.txt"
rm "$library/record.txt" 2>/dev/null # it may be the step of a save: the service refuses it a moment later
nothing_settles() { [ "$(mooring uploads list --json | jq '[.uploads[] | select(.state == "settling")] | length')" = 0 ]; }
until_true 120 "the end of the delete" nothing_settles
until_true 120 "the record that was not deleted" test -e "$library/record.txt"
expect "what retention keeps is there" kept "$(cat "$library/record.txt")"

# --- a notebook
notebook=$(find "$library" -maxdepth 1 -name 'Notebook*')
[ -f "$notebook" ] && [ ! -d "$notebook" ] || fail "the notebook is shown as: $(ls -ld "$library"/Notebook*)"
grep -q "http" "$notebook" || fail "the notebook leads nowhere: $(cat "$notebook")"
pass "a notebook is a link: ${notebook##*/}"

# --- checked out by somebody else
change write "taken.txt" '"text":"taken"'
change checkout "taken.txt" '"user":"ben"'
until_true 120 "taken.txt" test -e "$library/taken.txt"
is_read_only() { ! (: >>"$library/taken.txt") 2>/dev/null; }
until_true 120 "a file that is checked out being read-only" is_read_only
expect "it can be read" taken "$(cat "$library/taken.txt")"
(: >>"$library/taken.txt") 2>"$work/err"
grep -q "ermission denied\|ead-only" "$work/err" || fail "a file that is checked out: $(cat "$work/err")"
[ -w "$library/taken.txt" ] && [ "$(id -u)" != 0 ] && fail "it has the permission to be written"
expect "its mode says so" "" "$(find "$library/taken.txt" -perm /222)"

# --- 423 in three shapes: the journal waits, and nothing is doubled
agent_stop # by another agent: `policy show` has a new value a moment before saves go by it
sed -i 's/WriteMode: BeforeClose/WriteMode: Background/' "$policy"
agent_start
until_true 120 "the library of the next agent" test -e "$library/taken.txt"
for shape in 1 2 3; do
    change write "locked$shape.txt" '"text":"before"'
    until_true 120 "locked$shape.txt" test -e "$library/locked$shape.txt"
    change lock "locked$shape.txt" "\"shape\":$shape,\"by\":\"ben\""
    echo "after $shape" >"$library/locked$shape.txt" || fail "a save of a locked file was not taken by the journal"
done
retrying() { [ "$(mooring uploads list --json | jq '[.uploads[] | select(.state == "retry" and (.path | startswith("locked")))] | length')" = 3 ]; }
until_true 120 "three uploads that wait for their locks" retrying
for shape in 1 2 3; do
    expect "shape $shape: what was saved is shown" "after $shape" "$(cat "$library/locked$shape.txt")"
    change unlock "locked$shape.txt"
done
all_sent() {
    mooring uploads retry >/dev/null
    [ "$(mooring uploads list --json | jq '[.uploads[] | select(.path | startswith("locked"))] | length')" = 0 ]
}
until_true 120 "the uploads after the locks" all_sent
for shape in 1 2 3; do
    expect "shape $shape: it is on the server" "$(echo "after $shape" | sha256sum | cut -d' ' -f1)" "$(server_text "locked$shape.txt")"
done
expect "no copy was made" 0 "$(find "$library" -maxdepth 1 -name '*conflict*' | wc -l)"
agent_stop
