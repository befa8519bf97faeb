#!/usr/bin/env bash
# A scripted tour of the demo: does what a person would do, checks each result on the server's side, and ends by itself.
# Exits 0, or names what failed.
#
#   deploy/tour.sh FOLDER_OF_THE_PROGRAMS
set -u
bin=${1:?folder of the programs}
work=$(mktemp -d "${TMPDIR:-/tmp}/mooring-tour-XXXXXX")
demo_pid=

finish() {
    local code=$?
    if [ -n "$demo_pid" ]; then
        kill "$demo_pid" 2>/dev/null
        wait "$demo_pid" 2>/dev/null
    fi
    if [ $code != 0 ]; then
        cat "$work/demo.out"
    fi
    rm -rf "$work"
    exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { # shows a command as it would be typed, then runs it
    printf '$ %s\n' "$*"
    (cd "$root" && eval "$*")
}
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
# same_soon TEXT EXPECTED COMMAND...: the server hears of a delete after three seconds, when no save followed it
same_soon() {
    local text=$1 expected=$2
    shift 2
    for _ in $(seq 600); do
        [ "$("$@")" = "$expected" ] && break
        sleep 0.1
    done
    same "$text" "$expected" "$("$@")"
}
same() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; echo "  ok: $1"; }
server() { # PATH FILTER [LIBRARY]: what the server has
    "$bin/mooring-tenant" control "$state" item \
        "{\"tenant\":\"contoso\",\"library\":\"${3:-/sites/finance/Shared Documents}\",\"path\":\"$1\"}" 2>/dev/null |
        python3 -c "import json,sys; print(json.load(sys.stdin).get('$2', ''))"
}
detail() { python3 -c "import json,sys; d=json.load(open('$work/details.json')); print($1)"; }

step "Two simulated tenants, an agent, a sign-in by device code"
"$bin/mooring" demo --directory "$work/SharePoint" --details "$work/details.json" --seconds 300 >"$work/demo.out" 2>&1 &
demo_pid=$!
for _ in $(seq 600); do
    [ -s "$work/details.json" ] && break
    kill -0 "$demo_pid" 2>/dev/null || fail "the demo ended"
    sleep 0.1
done
[ -s "$work/details.json" ] || fail "the libraries did not appear within a minute"
grep 'enter the code\|libraries at' "$work/demo.out"
root=$(detail "d['directory']")
state=$(detail "d['tenantState']")
eval "$(detail "'\n'.join('export %s=%r' % i for i in d['environment'].items())")"

step "The libraries are folders"
run "ls -d */*/*"
[ -d "$root/contoso/finance/Shared Documents" ] || fail "contoso/finance/Shared Documents is not there"

step "Read"
run "ls 'contoso/finance/Shared Documents/Budget 2026'"
run "cat 'contoso/finance/Shared Documents/Budget 2026/Notes to the budget.txt'"
same "the content is the server's" "$(server 'Budget 2026/Notes to the budget.txt' sha256)" \
    "$(sha256sum <"$root/contoso/finance/Shared Documents/Budget 2026/Notes to the budget.txt" | cut -d' ' -f1)"

step "Write"
run "echo 'from the terminal' > 'contoso/finance/Shared Documents/tour.txt'"
same "the new file is on the server" "$(printf 'from the terminal\n' | sha256sum | cut -d' ' -f1)" "$(server tour.txt sha256)"
id=$(server tour.txt id)
run "echo 'a second line' >> 'contoso/finance/Shared Documents/tour.txt'"
same "the edit is a new version of the same item" "$id 2" "$(server tour.txt id) $(server tour.txt versions)"

step "Rename"
run "mv 'contoso/finance/Shared Documents/tour.txt' 'contoso/finance/Shared Documents/Budget 2026/renamed.txt'"
same "the server has it under the new name, still the same item" "$id" "$(server 'Budget 2026/renamed.txt' id)"
same "and no more under the old one" "" "$(server tour.txt id)"

step "Delete"
run "rm 'contoso/finance/Shared Documents/Budget 2026/renamed.txt'"
[ -e "$root/contoso/finance/Shared Documents/Budget 2026/renamed.txt" ] && fail "the deleted file is still shown"
same_soon "after a moment it is gone from the library (to the recycle bin)" "" server 'Budget 2026/renamed.txt' id

step "A second tenant"
run "cat 'fabrikam/plant/Shared Documents/Safety.txt'"
same "its content" "Wear a helmet." "$(cat "$root/fabrikam/plant/Shared Documents/Safety.txt")"

step "A size limit: above 1 GB nothing opens (BlockAboveMB)"
run "ls -lh 'contoso/marketing/Shared Documents/Assets'"
if message=$(LC_ALL=C head -c 1 "$root/contoso/marketing/Shared Documents/Assets/Raw footage.mp4" 2>&1); then
    fail "the file above BlockAboveMB opened"
fi
echo "$message"
same "refused with the system's own words" "File too large" "$(echo "$message" | grep -o 'File too large')"

step "What the agent says"
run "'$bin/mooring' status" || true

step "The end"
kill "$demo_pid"
wait "$demo_pid" || fail "the demo did not end cleanly"
demo_pid=
[ -e "$root" ] && fail "the demo left '$root'"
echo "The tour is over; everything it made is gone again."
