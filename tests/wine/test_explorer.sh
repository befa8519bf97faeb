#!/usr/bin/env bash
# What mooring-agent.exe writes for Explorer: entries of menus, names and icons of letters, the folder in the navigation pane;
# made and removed with the mappings, gone with the agent, and what a killed agent left gone at the next start. Looked at in
# the registry: what Explorer does with it is for deploy/docs/windows-verification.md.
# shellcheck source=tests/wine/lib.sh
. "$(dirname "$0")/lib.sh"
wine_begin explorer
cat >"$work/scenario.json" <<'JSON'
{"tenants": [{"name": "contoso", "users": [{"name": "ana"}], "sites": [
  {"path": "/sites/finance", "title": "Finance", "libraries": [{"path": "Shared Documents"}, {"path": "Archive"}]}]}]}
JSON
tenant_start "$work/scenario.json"
policy_base
reg add "$policies" /v OneDrive /t REG_DWORD /d 0 /f >/dev/null
reg add "$policies"'\DriveLetterRules' /v 1 /t REG_SZ /d '**/sites/finance/Shared Documents=P:' /f >/dev/null

node='{3E5B2A6C-6D0F-4C55-9C0E-6B7A1F4D9E21}'
explorer='HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Explorer'
classes='HKEY_CURRENT_USER\Software\Classes'
point="$explorer\\MountPoints2\\##mooring#contoso#finance#Shared Documents"

# All of the user's registry, a line for each value: KEY, name, data
snapshot() {
    rm -f "$work/user.reg"
    reg export 'HKCU\Software' "$(windows_path "$work/user.reg")" /y >/dev/null || fail "reg export"
    iconv -f utf-16 -t utf-8 "$work/user.reg" | tr -d '\r' | sed -e ':a;/\\$/{N;s/\\\n *//;ba}' |
        awk '/^\[/ { key = substr($0, 2, length($0) - 2); print key; next }
             /^(@|")/ { at = index($0, "="); if (/^"/) { at = match($0, /"=/) + 1 } print key "\t" substr($0, 1, at - 1) "\t" substr($0, at + 1) }'
}
value() { # KEY NAME ("@": the key's own)
    local name="\"$2\""
    [ "$2" != @ ] || name=@
    awk -F'\t' -v key="${1//\\/\\\\}" -v name="$name" '$1 == key && $2 == name { print $3 }' "$work/now"
}
hex() { # a REG_EXPAND_SZ as text
    sed 's/^hex(2)://; s/,//g' | xxd -r -p | iconv -f utf-16le -t utf-8 | tr -d '\0'
}
text() { value "$@" | sed 's/^"//; s/"$//; s/\\\(.\)/\1/g'; }
look() { snapshot >"$work/now"; }
# The agent writes while we read: what is written last is waited for, and all is read again.
shows() {
    look && [ -n "$(value "$classes\\*\\shell\\Mooring.View\\command" @)" ] && [ -n "$(value "$point" _LabelFromReg)" ] &&
        [ -n "$(value "$explorer\\Desktop\\NameSpace\\$node" @)" ] && look
}
shows_nothing() { look && ! grep -qi 'mooring\.\|'"$node"'\|##mooring' "$work/now"; }
libraries() { find "$prefix"/drive_c/users/*/AppData/Local/Mooring/Libraries -type f -printf '%f\n' 2>/dev/null | sort | tr '\n' ' '; }

mooring desktop remove || fail "mooring desktop remove" # of a run of this test that was killed
snapshot >"$work/before"
agent_start
sign_in
until_true 120 "entries for Explorer" shows

# --- menus
program=$(windows_path "$MOORING_BUILD/tests/recording/mooring-agent.exe")
everything='(System.ItemPathDisplay:~<"\\mooring\" OR System.ItemPathDisplay:~<"P:\")'
expect "an entry for what is below our paths" "$everything" "$(text "$classes\\*\\shell\\Mooring.View" AppliesTo)"
expect "with a title" "View in browser" "$(text "$classes\\*\\shell\\Mooring.View" MUIVerb)"
expect "for one file at a time" Single "$(text "$classes\\*\\shell\\Mooring.View" MultiSelectModel)"
expect "and a command" "\"$program\" --verb view \"%1\"" "$(text "$classes\\*\\shell\\Mooring.View\\command" @)"
case $(text "$classes\\*\\shell\\Mooring.Open" AppliesTo) in
"$everything AND (System.FileExtension:=\".docx\" OR "*".pub\")") pass "editing together is for Office files" ;;
*) fail "editing together: $(text "$classes\\*\\shell\\Mooring.Open" AppliesTo)" ;;
esac
expect "a link" "\"$program\" --verb link \"%1\"" "$(text "$classes\\*\\shell\\Mooring.Link\\command" @)"
expect "folders have it" "$everything" "$(text "$classes\\Directory\\shell\\Mooring.Link" AppliesTo)"
expect "drives too" "$everything" "$(text "$classes\\Drive\\shell\\Mooring.View" AppliesTo)"

# --- the letter
expect "the letter's name" "$(sed -n 's/^attach P .*	//p' "$recording")" "$(text "$point" _LabelFromReg)"
expect "its icon" "$program,0" "$(text "$classes\\Applications\\Explorer.exe\\Drives\\P\\DefaultIcon" @)"

# --- the navigation pane
class="$classes\\CLSID\\$node"
expect "the folder's title" SharePoint "$(text "$class" @)"
expect "it is pinned" dword:00000001 "$(value "$class" System.IsPinnedToNameSpaceTree)"
expect "it is a folder elsewhere" '{0E5AAE11-A475-4c5b-AB00-C66DE400274E}' "$(value "$class\\Instance" CLSID | hex)"
expect "its attributes" dword:f080004d "$(value "$class\\ShellFolder" Attributes)"
expect "what implements it" '%SystemRoot%\system32\shell32.dll' "$(value "$class\\InProcServer32" @ | hex)"
has "a local folder is behind it" '\\AppData\\Local\\Mooring\\Libraries$' \
    "$(value "$class\\Instance\\InitPropertyBag" TargetFolderPath | hex)"
expect "for dialogs of 32-bit programs" SharePoint "$(text "$classes\\Wow6432Node\\CLSID\\$node" @)"
expect "it is listed" SharePoint "$(text "$explorer\\Desktop\\NameSpace\\$node" @)"
expect "and not on the desktop itself" dword:00000001 "$(value "$explorer\\HideDesktopIcons\\NewStartPanel" "$node")"
expect "a link for the tenant" "contoso.lnk " "$(libraries)"
has "it leads to the tenant" '\\\\mooring\\contoso' "$(tr -d '\0' <"$(echo "$prefix"/drive_c/users/*/AppData/Local/Mooring/Libraries/contoso.lnk)" | strings)"

# --- all of it is for the session: below a key that goes with it, none can stay
reg add "HKCU\\Software\\Classes\\*\\shell\\Mooring.View\\probe" /f >/dev/null 2>&1 && fail "the entry would outlive the session"
pass "the entries end with the session, whatever becomes of the agent"

# --- it follows the mappings
reg add "$policies"'\DriveLetterRules' /v 1 /t REG_SZ /d '**/sites/finance/Archive=Q:' /f >/dev/null
moved() { look && [ -n "$(value "$explorer\\MountPoints2\\##mooring#contoso#finance#Archive" _LabelFromReg)" ] && look; }
until_true 120 "another letter" moved
has "the condition names the new letter" 'P:|"Q:\\"' "$(text "$classes\\*\\shell\\Mooring.View" AppliesTo)"
expect "nothing is left of the old one's name" "" "$(value "$point" _LabelFromReg)"
expect "nor of its icon" "" "$(value "$classes\\Applications\\Explorer.exe\\Drives\\P\\DefaultIcon" @)"

# --- a name that the user gives stays
reg add "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\MountPoints2\\##mooring#contoso#finance#Archive" \
    /v _LabelFromReg /t REG_SZ /d "My archive" /f >/dev/null

# --- the end, and a death
agent_stop
look
expect "the user's own name stays" "My archive" "$(text "$explorer\\MountPoints2\\##mooring#contoso#finance#Archive" _LabelFromReg)"
reg delete "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\MountPoints2\\##mooring#contoso#finance#Archive" /f >/dev/null
look
expect "nothing else is left" "" "$(diff "$work/before" "$work/now" | grep -i 'mooring\|shell\|'"$node" | grep -v 'Software.Mooring')"
expect "no links" "" "$(libraries)"

reg add "$policies"'\DriveLetterRules' /v 1 /t REG_SZ /d '**/sites/finance/Shared Documents=P:' /f >/dev/null
: >"$recording"
agent_start
until_true 120 "entries again" shows
kill -9 "$agent_pid"
wait "$agent_pid" 2>/dev/null
agent_pid=
look
[ -n "$(value "$classes\\*\\shell\\Mooring.View\\command" @)" ] || fail "a killed agent left nothing: this shows nothing"
reg add 'HKLM\Software\Policies\Mooring\ExcludeSites' /v 1 /t REG_SZ /d '/sites/*' /f >/dev/null
agent_start
until_true 120 "what a killed agent left goes" shows_nothing
pass "the next agent takes away what a killed one left"
expect "its links, too" "" "$(libraries)"
agent_stop

# --- for who removes the program
reg delete 'HKLM\Software\Policies\Mooring\ExcludeSites' /f >/dev/null
agent_start
until_true 120 "entries once more" shows
kill -9 "$agent_pid"
wait "$agent_pid" 2>/dev/null
agent_pid=
mooring desktop remove || fail "mooring desktop remove"
shows_nothing || fail "mooring desktop remove leaves $(grep -i 'mooring\.\|'"$node"'\|##mooring' "$work/now" | head -n 3)"
expect "mooring desktop remove takes all away" "" "$(libraries)"

# --- letters that Windows is to remember
network='HKCU\Network'
value_of() { reg query "$network\\$1" /v "$2" 2>/dev/null | sed -n "s/^ *$2  *REG_[A-Z]*  *//p"; }
# shellcheck disable=SC2317 # called by name
remembers() { [ -n "$(value_of P RemotePath)" ]; }
# shellcheck disable=SC2317
forgot() { ! remembers; }
shown_again() {
    agent_start
    until_true 120 "entries for the letter" shows
}
reg delete "$network" /f >/dev/null 2>&1
reg add "$network\\Q" /v RemotePath /t REG_SZ /d '\\server\share' /f >/dev/null
reg add "$network\\Q" /v ProviderName /t REG_SZ /d "Microsoft Windows Network" /f >/dev/null
shown_again
agent_stop
expect "no letter is remembered by default" "" "$(value_of P RemotePath)"
reg add "$policies" /v RemoveOnLogoff /t REG_DWORD /d 0 /f >/dev/null
shown_again
expect "nor while the agent runs" "" "$(value_of P RemotePath)"
agent_stop
expect "with RemoveOnLogoff off it is, at the end" '\\mooring\contoso\finance\Shared Documents' "$(value_of P RemotePath)"
expect "as ours" Mooring "$(value_of P ProviderName)"
expect "of our kind of network" 0x4b4e0000 "$(value_of P ProviderType)"
expect "as a disk" 0x1 "$(value_of P ConnectionType)"
agent_start
until_true 120 "the next agent takes it from there" forgot
pass "the next agent takes it from there"
until_true 120 "entries for the letter" shows
agent_stop
remembers || fail "it is not remembered again"
mooring desktop remove || fail "mooring desktop remove"
expect "mooring desktop remove forgets it" "" "$(value_of P RemotePath)"
# a letter that somebody else has
reg add "$network\\P" /v RemotePath /t REG_SZ /d '\\server\other' /f >/dev/null
reg add "$network\\P" /v ProviderName /t REG_SZ /d "Microsoft Windows Network" /f >/dev/null
shown_again
agent_stop
expect "one of another provider stays" '\\server\other' "$(value_of P RemotePath)"
expect "and others do" '\\server\share' "$(value_of Q RemotePath)"
reg delete "$network" /f >/dev/null
