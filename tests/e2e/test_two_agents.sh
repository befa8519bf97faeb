#!/usr/bin/env bash
# Two users, each with an agent and a mount, edit the same files of one library at the same time: in place, by renaming a new
# file onto the old one, while the other renames or deletes it. Every content that was closed is on the server afterwards: as
# the file, as a version of it, or as a conflict copy.
. "$(dirname "$0")/lib.sh"
e2e_begin two_agents
ROUNDS=${1:-6}
tenant_start "$(dirname "$0")/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")
tenant=${domain%%.*}

# The second user: everything in $work/ben.
ben_pid=
ben() {
    local root=$work/ben/mnt
    local work=$work/ben
    "$@"
}
end_both() {
    local code=$?
    if [ -n "$ben_pid" ]; then
        kill "$ben_pid" 2>/dev/null && wait "$ben_pid" 2>/dev/null
        grep -qs " $work/ben/mnt fuse" /proc/self/mountinfo && fusermount3 -uz "$work/ben/mnt" 2>/dev/null
    fi
    (exit $code)
    e2e_end
}
trap end_both EXIT
mkdir -p "$work"/ben/{state,cache,config,run,home}
chmod 700 "$work"/ben/run

policy_write "Tenants: [$domain]" "WriteMode: Background" "MetadataSeconds: 5"
agent_start
sign_in ana
ana_library=$(status '[.mappings[].path | select(endswith("Shared Documents"))][0]')
ana_pid=$agent_pid
sed "s|^MountRoot:.*|MountRoot: $work/ben/mnt|" "$policy" >"$work/ben/policy.yaml"
ana_policy=$policy
policy=$work/ben/policy.yaml
ben agent_start
ben_pid=$agent_pid
agent_pid=$ana_pid
policy=$ana_policy
ben sign_in ben
ben_library=$(ben status '[.mappings[].path | select(endswith("Shared Documents"))][0]')
case $ana_library in /*) ;; *) ana_library=$root/$ana_library ;; esac
case $ben_library in /*) ;; *) ben_library=$work/ben/mnt/$ben_library ;; esac
[ "${ana_library#"$root"/}" = "${ben_library#"$work/ben/mnt"/}" ] || fail "two libraries: '$ana_library', '$ben_library'"
rel=${ana_library#"$root"/*/}
library="/sites/${rel%%/*}/${rel#*/}"
pass "two users see $library"

nothing_left() { [ "$("$@" mooring uploads list --json | jq '.uploads | length')" = 0 ]; }
all_sent() { # waits until neither has anything to send
    until_true 120 "ana's uploads" nothing_left command_of_ana
    until_true 120 "ben's uploads" nothing_left ben
}
command_of_ana() { "$@"; }
closed=$work/closed # "sha256 what" of every content whose close returned 0
: >"$closed"
content() { # user what: also notes it
    printf '%s %s %s\n' "$1" "$2" "$(head -c 2000 /dev/zero | tr '\0' "${1:0:1}")"
}
note() { printf '%s %s\n' "$(content "$@" | sha256sum | cut -d' ' -f1)" "$*" >>"$closed"; }
put() { # library user what file
    content "$2" "$3" >"$1/$4" 2>/dev/null && note "$2" "$3"
}
replace() { # by rename, as editors do
    content "$2" "$3" >"$1/.$4.$2.tmp" && mv -f "$1/.$4.$2.tmp" "$1/$4" 2>/dev/null && note "$2" "$3"
}

both() { # verb what file: at the same time
    "$1" "$ana_library" ana "$2" "$3" &
    local first=$!
    "$1" "$ben_library" ben "$2" "$3" &
    wait $first
    wait $!
}

for i in $(seq "$ROUNDS"); do
    both put "in place $i" shared.txt
    all_sent
    both replace "replaced $i" shared.txt
    all_sent
done
expect "all was closed well" $((ROUNDS * 4)) "$(wc -l <"$closed")"

# one has it open while the other saves
exec 7>"$ana_library/shared.txt" 8>"$ben_library/shared.txt"
content ana "open" >&7
content ben "open" >&8
exec 8>&- && note ben open
exec 7>&- && note ana open
all_sent

# one renames, the other saves under the old name that he still sees
put "$ana_library" ana "before the rename" moved.txt
all_sent
until_true 120 "ben sees moved.txt" test -e "$ben_library/moved.txt"
mv "$ana_library/moved.txt" "$ana_library/elsewhere.txt" || fail "rename"
put "$ben_library" ben "after the rename" moved.txt
all_sent

is_deleted() { ! control item "{\"tenant\":\"$tenant\",\"library\":\"$library\",\"path\":\"deleted.txt\"}" >/dev/null 2>&1; }

# one deletes, the other has it open and saves
put "$ana_library" ana "before the delete" deleted.txt
all_sent
until_true 120 "ben sees deleted.txt" test -e "$ben_library/deleted.txt"
exec 8<>"$ben_library/deleted.txt" # what is written is longer than what is there
rm "$ana_library/deleted.txt" || fail "delete"
until_true 120 "the delete" is_deleted
content ben "after the delete, and longer" >&8
exec 8>&- && note ben "after the delete, and longer"
all_sent

control contents "{\"tenant\":\"$tenant\",\"library\":\"$library\"}" | jq -r '.contents[].sha256' | sort -u >"$work/held"
while read -r hash what; do
    grep -q "$hash" "$work/held" || {
        control tree "{\"tenant\":\"$tenant\",\"library\":\"$library\"}" | jq -r '.items[] | select(.folder | not) | .path' |
            grep -v ^Many
        fail "what '$what' closed is nowhere on the server"
    }
done <"$closed"
pass "all $(wc -l <"$closed") contents are on the server"

# what was saved after the delete is there to be found, and not in the recycle bin
control tree "{\"tenant\":\"$tenant\",\"library\":\"$library\"}" | jq -r '.items[].sha256' >"$work/now"
grep -q "$(content ben "after the delete, and longer" | sha256sum | cut -d' ' -f1)" "$work/now" || fail "what was saved after the delete is in no file"
pass "what was saved after the delete is a file"

# both end up with the same picture
names() { find "$1" -maxdepth 1 -name '*.txt' -printf '%f %s\n' | sort; }
same() { [ "$(names "$ana_library")" = "$(names "$ben_library")" ]; }
until_true 120 "both seeing the same" same
pass "both see the same files"
agent_stop
