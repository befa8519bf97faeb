#!/usr/bin/env bash
# From a file to what SharePoint does with it, on Windows: each form of PATH through mooring.exe and through the entries of
# Explorer's menus (mooring-agent.exe --verb). Windows' own ShellExecute finds what is registered for an address or a file, and
# that is a stand-in here (opened.c), which records what it is given. A folder of Linux stands in for what the letter shows.
# shellcheck source=tests/wine/lib.sh
. "$(dirname "$0")/lib.sh"
wine_begin doors
cat >"$work/scenario.json" <<'JSON'
{"tenants": [{"name": "contoso", "users": [{"name": "ana"}], "sites": [
  {"path": "/sites/finance", "title": "Finance", "libraries": [{"path": "Shared Documents", "tree": {"items": [
    {"name": "Plan.docx", "document": "one"},
    {"name": "a #1 100% + ü.docx", "document": "x"},
    {"name": "notes.mooringtest", "text": "n"},
    {"name": "history.txt", "text": "new\n", "versions": [{"text": "first\n"}]},
    {"name": "sub", "items": [{"name": "Deep.docx", "document": "deep"}]}]}}]}]}]}
JSON
tenant_start "$work/scenario.json"
policy_base
reg add "$policies" /v OneDrive /t REG_DWORD /d 0 /f >/dev/null
reg add "$policies"'\DriveLetterRules' /v 1 /t REG_SZ /d '**/sites/finance/Shared Documents=P:' /f >/dev/null

# --- what opens things: a stand-in
stand_in="\"$(windows_path "$MOORING_BUILD/tests/recording/opened.exe")\" \"%1\""
schemes="ms-word https mooringtest.file"
clean_up() {
    local code=$? scheme
    rm -f "$prefix/dosdevices/p:"
    for scheme in $schemes; do
        [ "$scheme" = https ] || reg delete "HKCR\\$scheme" /f >/dev/null 2>&1
    done
    reg delete 'HKCR\.mooringtest' /f >/dev/null 2>&1
    [ -z "${https_was:-}" ] || reg add 'HKCR\https\shell\open\command' /ve /t REG_SZ /d "$https_was" /f >/dev/null 2>&1
    (exit $code)
    wine_end
}
https_was=$(reg query 'HKCR\https\shell\open\command' /ve | sed -n 's/^ *(Default) *REG_[A-Z_]* *//p')
trap clean_up EXIT
for scheme in $schemes; do
    reg add "HKCR\\$scheme\\shell\\open\\command" /ve /t REG_SZ /d "$stand_in" /f >/dev/null
    reg add "HKCR\\$scheme" /v 'URL Protocol' /t REG_SZ /d '' /f >/dev/null
done
reg add 'HKCR\.mooringtest' /ve /t REG_SZ /d mooringtest.file /f >/dev/null
export MOORING_OPENED MOORING_NOTICE
MOORING_OPENED=$(windows_path "$work/opened")
MOORING_NOTICE=$(windows_path "$work/notice")

mkdir -p "$work/drive/sub"
touch "$work/drive/Plan.docx" "$work/drive/notes.mooringtest" "$work/drive/sub/Deep.docx"
ln -sfn "$work/drive" "$prefix/dosdevices/p:"

was_opened() { [ -s "$work/opened" ]; }
recorded() { # NAME: what was launched, as one argument; it may come after the command ended
    until_true 120 "$1: launch" was_opened
    [ "$(head -n 1 "$work/opened")" = 1 ] || fail "$1: launched with $(head -n 1 "$work/opened") arguments"
    sed -n 2p "$work/opened"
}
launch() { # COMMAND PATH
    rm -f "$work/opened"
    mooring "$@" >"$work/out" 2>&1 || fail "mooring $*: $(cat "$work/out")"
    recorded "mooring $*"
}
verb() { # VERB PATH: as Explorer starts it
    rm -f "$work/opened" "$work/notice"
    wine_run "$MOORING_BUILD/tests/recording/mooring-agent.exe" --verb "$@" >"$work/out"
}
clipboard() { wine_run "$MOORING_BUILD/tests/recording/opened.exe" --clipboard; }

verb open 'P:\Plan.docx'
expect "a menu without an agent: exit code" 2 $?
has "and a window that says so" '^failure: no agent runs in this session' "$(cat "$work/notice")"

agent_start
sign_in
web=https://contoso.sharepoint.com/sites/finance
doc="$web/Shared%20Documents"
word="ms-word:ofe|u|$doc/Plan.docx"

# --- every form of PATH
expect "a letter" "$word" "$(launch open 'P:\Plan.docx')"
expect "a letter with slashes, whatever the case" "$word" "$(launch open 'p:/plan.DOCX')"
expect "a UNC path" "$word" "$(launch open '\\mooring\contoso\finance\Shared Documents\Plan.docx')"
expect "a UNC path with slashes" "$word" "$(launch open '//mooring/contoso/finance/Shared Documents/Plan.docx')"
expect "a long UNC path" "$word" "$(launch open '\\?\UNC\mooring\contoso\finance\Shared Documents\Plan.docx')"
expect "a long path with a letter" "$word" "$(launch open '\\?\P:\Plan.docx')"
expect "the UNC path of WebDAV" "$word" \
    "$(launch open '\\localhost@8080\DavWWWRoot\s3cr3t\contoso\finance\Shared Documents\Plan.docx')"
expect "SharePoint's own UNC path" "$word" \
    "$(launch open '\\contoso.sharepoint.com@SSL\DavWWWRoot\sites\finance\Shared Documents\Plan.docx')"
expect "an address" "$word" "$(launch open "$doc/Plan.docx")"
expect "# % + and umlauts" "ms-word:ofe|u|$doc/a%20%231%20100%25%20%2B%20%C3%BC.docx" "$(launch open 'P:\a #1 100% + ü.docx')"
cat >"$work/relative.bat" <<BAT
@p:
@cd \\sub
@"$(windows_path "$MOORING_BUILD/bin/mooring.exe")" open Deep.docx
BAT
rm -f "$work/opened"
wine_run "$prefix/drive_c/windows/system32/cmd.exe" /c "$(windows_path "$work/relative.bat")" >"$work/out"
expect "a relative path" "ms-word:ofe|u|$doc/sub/Deep.docx" "$(recorded "a relative path")"
expect "no Office file: with its letter" 'P:\notes.mooringtest' "$(launch open '\\mooring\contoso\finance\Shared Documents\notes.mooringtest')"
expect "view of the letter" "$doc" "$(launch view 'P:\')"
expect "view of a site" "$web" "$(launch view '\\mooring\contoso\finance')"
out=$(mooring open 'C:\windows\win.ini')
expect "what is not ours: exit code" 2 $?
has "and why" 'no library has the letter C' "$out"

# --- the menus
verb open 'P:\Plan.docx' || fail "--verb open: $(cat "$work/notice")"
expect "menu: edit together" "$word" "$(recorded "menu: edit together")"
verb view 'P:"' || fail "--verb view: $(cat "$work/notice")"
expect "menu of a drive, which Explorer gives as \"P:\\\"" "$doc" "$(recorded "menu of a drive")"
verb link 'P:\Plan.docx' || fail "--verb link: $(cat "$work/notice")"
has "menu: a link" '^done: The sharing link is in the clipboard' "$(cat "$work/notice")"
link=$(mooring link 'P:\Plan.docx')
has "it is a link" '^https://contoso.sharepoint.com/:' "$link"
expect "it is in the clipboard" "$link" "$(clipboard)"
verb view 'P:\gone.docx'
expect "menu, nothing there: exit code" 2 $?
has "and a window that says so" "^failure: 'gone.docx' is not on the server" "$(cat "$work/notice")"
verb format 'P:\Plan.docx'
expect "no other command from a menu" 2 $?

edit=$(mooring link --type edit --copy 'P:\Plan.docx')
expect "link --copy" "$edit" "$(clipboard)"
expect "versions" "2.0 1.0" "$(mooring versions --json 'P:\history.txt' | jq -r '[.versions[].version] | join(" ")')"
mooring versions 'P:\history.txt' --save 1 "$(windows_path "$work/saved.txt")" >/dev/null || fail "versions --save"
expect "an old version is saved" first "$(cat "$work/saved.txt")"
agent_stop
