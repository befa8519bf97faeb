#!/usr/bin/env bash
# What somebody else renames, moves or deletes on the server is taken out of the names that the kernel remembers when the agent
# learns of it. /proc shows it by a program that has the item open or works in it, and by that no name is looked up: so it is
# not a name whose time was over. Then the old name is gone and the new one is there, for that program as well.
. "$(dirname "$0")/lib.sh"
e2e_begin kernel_names
cat >"$work/scenario.json" <<'JSON'
{"tenants": [{"name": "contoso", "users": [{"name": "ana"}, {"name": "ben"}],
  "sites": [{"path": "/sites/a", "title": "A", "libraries": [{"path": "Shared Documents", "tree": {"items": [
    {"name": "renamed", "items": [{"name": "inside.txt", "text": "inside"}]},
    {"name": "moved", "items": [{"name": "below", "items": [{"name": "inside.txt", "text": "below"}]}]},
    {"name": "deleted", "items": [{"name": "inside.txt", "text": "gone"}]},
    {"name": "files", "items": [{"name": "renamed.txt", "text": "renamed"}, {"name": "moved.txt", "text": "moved"},
      {"name": "deleted.txt", "text": "deleted"}]}]}}]}]}]}
JSON
tenant_start "$work/scenario.json"
policy_write "Tenants: [contoso.onmicrosoft.com]" "MetadataSeconds: 2"
agent_start
sign_in ana
library=$root/contoso/a/"Shared Documents"
until_true 120 "the library" test -d "$library/moved/below"
edit() { control "$1" "{\"library\":\"/sites/a/Shared Documents\",\"user\":\"ben\",$2}" >/dev/null || fail "control $1 $2"; }

# Programs that know the old names; $in_FOLDER is the one that works there.
pids=()
end_all() {
    local code=$?
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
    (exit $code)
    e2e_end
}
trap end_all EXIT
work_in() { (cd "$library/$1" && exec sleep 1000) & pids+=($!); }
work_in renamed && in_renamed=$!
work_in moved/below && in_moved=$!
work_in deleted && in_deleted=$!
exec 3<"$library" 4<"$library/files/renamed.txt" 5<"$library/files/moved.txt" 6<"$library/files/deleted.txt"
is_at() { [ "$(readlink "$1")" = "$2" ]; }
until_true 120 "a program in 'renamed'" is_at "/proc/$in_renamed/cwd" "$library/renamed"
until_true 120 "a program in 'moved/below'" is_at "/proc/$in_moved/cwd" "$library/moved/below"
until_true 120 "a program in 'deleted'" is_at "/proc/$in_deleted/cwd" "$library/deleted"
expect "the kernel knows the files by their names" "$library/files/renamed.txt" "$(readlink /proc/$$/fd/4)"

forgotten() { # LINK NAME
    until_true 120 "the kernel forgetting '$2'" is_at "$1" "$library/$2 (deleted)"
    pass "the kernel does not know '$2' any more"
}
edit move '"path":"renamed","to":"new name"'
edit move '"path":"moved/below","to":"new place"'
edit delete '"path":"deleted"'
edit move '"path":"files/renamed.txt","to":"files/new.txt"'
edit move '"path":"files/moved.txt","to":"moved.txt"'
edit delete '"path":"files/deleted.txt"'
forgotten "/proc/$in_renamed/cwd" renamed
forgotten "/proc/$in_moved/cwd" moved/below
forgotten "/proc/$in_deleted/cwd" deleted
forgotten /proc/$$/fd/4 files/renamed.txt
forgotten /proc/$$/fd/5 files/moved.txt
forgotten /proc/$$/fd/6 files/deleted.txt

for name in renamed moved/below deleted files/renamed.txt files/moved.txt files/deleted.txt; do
    stat "$library/$name" >/dev/null 2>"$work/err" && fail "'$name' is still there"
    grep -q 'No such file' "$work/err" || fail "'$name': $(cat "$work/err")"
done
pass "the old names are gone"
listed() { python3 -c 'import os; print(" ".join(sorted(os.listdir(3))))'; } # rewinds the folder that is open since the start
expect "an open folder lists the new ones" "files moved moved.txt new name new place" "$(listed | sed 's/ *$//')"
expect "the file has its new name" renamed "$(cat "$library/files/new.txt")"
expect "and the other one its new place" moved "$(cat "$library/moved.txt")"
for at in "$in_renamed:inside:new name" "$in_moved:below:new place"; do
    IFS=: read -r pid text name <<<"$at"
    expect "who worked there reads on" "$text" "$(cat "/proc/$pid/cwd/inside.txt")"
    expect "who looks the new name up finds it" "$text" "$(cat "$library/$name/inside.txt")"
    expect "and it is where that program works" "$library/$name" "$(readlink "/proc/$pid/cwd")"
done
ls "/proc/$in_deleted/cwd/" >/dev/null 2>"$work/err" && fail "a folder that is gone is listed"
grep -q 'Stale file handle' "$work/err" || fail "a folder that is gone: $(cat "$work/err")"
pass "who worked in what was deleted is told that it is gone"
exec 3<&- 4<&- 5<&- 6<&-
kill "${pids[@]}"
wait "${pids[@]}" 2>/dev/null
pids=()
agent_stop
