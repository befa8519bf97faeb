#!/usr/bin/env bash
# From a file to what SharePoint does with it: open, view, link, versions; every form of PATH, names that are awkward in an
# address, and each way in which it cannot be done. A stand-in for xdg-open records what is launched.
. "$(dirname "$0")/lib.sh"
e2e_begin doors
long=$(printf 'n%.0s' {1..100})
cat >"$work/scenario.json" <<JSON
{"tenants": [
 {"name": "contoso", "users": [{"name": "ana", "display_name": "Ana Ruiz",
    "onedrive": {"tree": {"items": [{"name": "Mine.docx", "document": "mine"}]}}}, {"name": "ben"}],
  "sites": [{"path": "/sites/finance", "title": "Finance", "libraries": [
    {"path": "Shared Documents", "tree": {"items": [
      {"name": "Plan.docx", "document": "one"}, {"name": "Form.dotx", "document": "form"},
      {"name": "Sheet.xlsx", "document": "1"},
      {"name": "a #1 100% + ü.docx", "document": "x"}, {"name": "100% #1 + Grüße.txt", "text": "t"},
      {"name": "history.txt", "text": "new\n", "versions": [{"text": "first\n"}, {"text": "second\n"}]},
      {"name": "Locked.docx", "text": "l", "versions": [{"text": "old"}], "lock": {"shape": 2, "by": "ben"}},
      {"name": "Gone.txt", "text": "g"},
      {"name": "Notebook", "package": "oneNote"},
      {"name": "$long", "items": [{"name": "$long", "items": [{"name": "$long.docx", "document": "deep"}]}]}]}},
    {"path": "Unmapped", "tree": {"items": [{"name": "else.docx", "document": "e"}]}}]}]},
 {"name": "fabrikam", "users": [{"name": "fay"}],
  "sites": [{"path": "/sites/plant", "libraries": [
    {"path": "Shared Documents", "tree": {"items": [{"name": "Plant.docx", "document": "p"}]}}]}]}]}
JSON
tenant_start "$work/scenario.json"
write_policy() {
    policy_write "Tenants: [contoso.onmicrosoft.com, fabrikam.onmicrosoft.com]" "OneDrive: true" \
        "ExcludeLibraries: ['*/Unmapped']" "DriveLetterRules: ['finance/Shared Documents=F']" "$@"
}
write_policy
mkdir "$work/bin"
cat >"$work/bin/xdg-open" <<SH
#!/bin/sh
printf '%s\n' "\$#" "\$@" >"$work/opened.part" && mv "$work/opened.part" "$work/opened"
[ ! -e "$work/no-office" ] || case "\$1" in ms-*) exit 3 ;; esac
SH
cat >"$work/bin/xclip" <<SH
#!/bin/sh
cat >"$work/clipboard"
SH
chmod +x "$work"/bin/*
PATH=$work/bin:$PATH
unset WAYLAND_DISPLAY BROWSER

# `mooring open` waits for xdg-open no longer than two seconds: it may come after the command ended.
was_opened() { [ -s "$work/opened" ]; }
opened() {
    until_true 120 "a launch" was_opened
    sed -n 2p "$work/opened"
}
launch() { # COMMAND PATH: what was launched by it, as one argument
    rm -f "$work/opened"
    mooring "$@" >"$work/out" 2>&1 || fail "mooring $*: $(cat "$work/out")"
    until_true 120 "mooring $*: launch" was_opened
    [ "$(head -n 1 "$work/opened")" = 1 ] || fail "mooring $*: launched with $(head -n 1 "$work/opened") arguments"
    opened
}
goes_on() { # after another agent began
    rm -f "$work/opened"
    until_true 120 "sign-in again" mooring view "$lib"
    opened >/dev/null
}
refused() { # NAME CODE TEXT COMMAND...: exit code 2, one sentence with TEXT, and CODE with --json
    local name=$1 want=$2 text=$3 out code
    shift 3
    out=$(mooring "$@" 2>&1)
    code=$?
    [ $code = 2 ] || fail "$name: exit code $code: $out"
    [ "$(printf '%s\n' "$out" | wc -l)" = 1 ] || fail "$name: more than one line: $out"
    case $out in *"$text"*) ;; *) fail "$name: '$text' is not in: $out" ;; esac
    expect "$name" "$want" "$(mooring "$@" --json | jq -r .error.code)"
}

refused "no agent runs" NOT_FOUND "mooring agent" open "$root/x.txt"
agent_start
sign_in
lib="$root/contoso/finance/Shared Documents"
web=https://contoso.sharepoint.com/sites/finance
doc="$web/Shared%20Documents"
word="ms-word:ofe|u|$doc/Plan.docx"

# --- every form of PATH
expect "a path" "$word" "$(launch open "$lib/Plan.docx")"
cd "$lib" || fail "cd"
expect "a relative path" "$word" "$(launch open Plan.docx)"
expect "a relative path with dots" "$word" "$(launch open ../Shared\ Documents/./Plan.docx)"
cd / || fail "cd"
ln -s "$lib" "$work/link"
expect "a path with a link in it" "$word" "$(launch open "$work/link/Plan.docx")"
expect "file://" "$word" "$(launch open "file://${lib// /%20}/Plan.docx")"
letter=$(find "$root/drives" -type l | head -n 1)
expect "a link of drives" "$word" "$(launch open "$letter/Plan.docx")"
expect "a drive letter" "$word" "$(launch open 'F:\Plan.docx')"
expect "a drive letter with slashes" "$word" "$(launch open 'f:/plan.DOCX')"
expect "a UNC path" "$word" "$(launch open '\\mooring\contoso\finance\Shared Documents\Plan.docx')"
expect "a UNC path with slashes" "$word" "$(launch open '//mooring/contoso/finance/Shared Documents/Plan.docx')"
expect "a long UNC path" "$word" "$(launch open '\\?\UNC\mooring\contoso\finance\Shared Documents\Plan.docx')"
expect "the UNC path of WebDAV" "$word" \
    "$(launch open '\\localhost@8080\DavWWWRoot\s3cr3t\contoso\finance\Shared Documents\Plan.docx')"
expect "SharePoint's own UNC path" "$word" \
    "$(launch open '\\contoso.sharepoint.com@SSL\DavWWWRoot\sites\finance\Shared Documents\Plan.docx')"
expect "an address" "$word" "$(launch open "$doc/Plan.docx")"
expect "an address with blanks" "$word" "$(launch open "$web/Shared Documents/Plan.docx?web=1")"
expect "an address of /:w:/r/" "$word" \
    "$(launch open "https://contoso.sharepoint.com/:w:/r/sites/finance/Shared%20Documents/Plan.docx?d=w1&csf=1")"
expect "a view with id=" "$word" \
    "$(launch open "$doc/Forms/AllItems.aspx?id=%2Fsites%2Ffinance%2FShared%20Documents%2FPlan%2Edocx&parent=x")"
expect "a Teams link" "$word" \
    "$(launch open "https://teams.microsoft.com/l/file/1?objectUrl=${doc//%/%25}%2FPlan.docx&x=1")"
rm -f "$work/opened"
viewer=$(mooring open --json "$lib/Plan.docx" | jq -r .webUrl)
opened >/dev/null
case $viewer in *"/_layouts/15/Doc.aspx?sourcedoc="*) ;; *) fail "no viewer page: $viewer" ;; esac
expect "the viewer's page" "$word" "$(launch open "$viewer")"
expect "Office's own command" "$word" "$(launch open "$word")"
link=$(mooring link "$lib/Plan.docx")
expect "a sharing link" "$word" "$(launch open "$link")"

# --- what is launched
expect "a template" "ms-word:nft|u|$doc/Form.dotx" "$(launch open "$lib/Form.dotx")"
expect "a workbook" "ms-excel:ofe|u|$doc/Sheet.xlsx" "$(launch open "$lib/Sheet.xlsx")"
expect "# % + and umlauts" "ms-word:ofe|u|$doc/a%20%231%20100%25%20%2B%20%C3%BC.docx" \
    "$(launch open "$lib/a #1 100% + ü.docx")"
expect "the same, as an address" "ms-word:ofe|u|$doc/a%20%231%20100%25%20%2B%20%C3%BC.docx" \
    "$(launch open "$doc/a%20%231%20100%25%20%2B%20%C3%BC.docx")"
expect "no Office file: its path" "$lib/100% #1 + Grüße.txt" "$(launch open "$lib/100% #1 + Grüße.txt")"
expect "the same, by its address" "$lib/100% #1 + Grüße.txt" \
    "$(launch open "$doc/100%25%20%231%20%2B%20Gr%C3%BC%C3%9Fe.txt")"
case $(launch open "$lib/$long/$long/$long.docx") in
https://contoso.sharepoint.com/*action=edit*) pass "300 characters are too long for Word: the browser" ;;
*) fail "300 characters: $(opened)" ;;
esac
touch "$work/no-office"
# What has not said no within two seconds is taken for started: on a machine that is that slow, again.
goes_to_browser() { case $(launch open "$lib/Plan.docx") in https://*action=edit*) ;; *) false ;; esac }
until_true 120 "the browser without Office" goes_to_browser
pass "no Office on this desktop: the browser"
rm "$work/no-office"
case $(launch open "$lib/Notebook.url") in https://*) pass "a notebook opens in the browser" ;; *) fail "$(opened)" ;; esac
expect "OneDrive" ofe "$(launch open "$root/contoso/OneDrive/Mine.docx" | sed 's/^ms-word:\(.*\)|u|https.*-my.*Mine.docx$/\1/')"
expect "a second tenant" "ms-word:ofe|u|https://fabrikam.sharepoint.com/sites/plant/Shared%20Documents/Plant.docx" \
    "$(launch open "$root/fabrikam/plant/Shared Documents/Plant.docx")"
expect "the same, by its address" "ms-word:ofe|u|https://fabrikam.sharepoint.com/sites/plant/Shared%20Documents/Plant.docx" \
    "$(launch open 'https://fabrikam.sharepoint.com/sites/plant/Shared%20Documents/Plant.docx')"
expect "a library that is not mapped" "ms-word:ofe|u|$web/Unmapped/else.docx" "$(launch open "$web/Unmapped/else.docx")"
expect "view of a file is the viewer's page" "$viewer" "$(launch view "$lib/Plan.docx")"
expect "view of a library" "$doc" "$(launch view "$lib")"
expect "view of a site" "$web" "$(launch view "$root/contoso/finance")"
expect "view of a site's address" "$web" "$(launch view "$web/SitePages/Home.aspx")"

# --- links
case $link in https://contoso.sharepoint.com/:*) pass "a link" ;; *) fail "no link: $link" ;; esac
expect "the same link again" "$link" "$(mooring link "$doc/Plan.docx")"
edit=$(mooring link --type edit --copy "$lib/Plan.docx")
[ "$edit" != "$link" ] || fail "the link to edit is the one to view"
expect "copied" "$edit" "$(cat "$work/clipboard")"
awkward="ms-word:ofe|u|$doc/a%20%231%20100%25%20%2B%20%C3%BC.docx"
expect "a link to # % + and umlauts" "$awkward" "$(launch open "$(mooring link "$lib/a #1 100% + ü.docx")")"
expect "versions of # % + and umlauts" 1.0 "$(mooring versions --json "$lib/a #1 100% + ü.docx" | jq -r '.versions[].version')"
deep=$(mooring link "$lib/$long/$long/$long.docx")
expect "a link to 300 characters" "$long.docx" "$(mooring status --json "$deep" | jq -r .name)"
expect "scope of the tenant" tenant "$(mooring link --json "$lib/Plan.docx" | jq -r .scope)"

# --- versions
expect "versions, newest first" "3.0 true 2.0 null 1.0 null" \
    "$(mooring versions --json "$lib/history.txt" | jq -r '[.versions[] | .version, .current] | map(tostring) | join(" ")')"
mooring versions "$lib/history.txt" --save 1 "$work/saved.txt" >/dev/null || fail "--save"
expect "an old version is saved" first "$(cat "$work/saved.txt")"
refused "no file is written over" EXISTS saved.txt versions "$lib/history.txt" --save 2 "$work/saved.txt"
expect "what was there stays" first "$(cat "$work/saved.txt")"
mooring versions "$lib/history.txt" --restore 2.0 >/dev/null || fail "--restore"
sha() { control item '{"library": "/sites/finance/Shared Documents", "path": "history.txt"}' | jq -r .sha256; }
expect "restored on the server" "$(printf 'second\n' | sha256sum | cut -d' ' -f1)" "$(sha)"
refused "no such version" NOT_FOUND "mooring versions" versions "$lib/history.txt" --restore 9
refused "the current version" EXISTS "is the current one" versions "$lib/history.txt" --restore 4
refused "a folder has no versions" INVALID "only files" versions "$lib"
refused "423 on restore" LOCKED "somebody has 'Locked.docx' open" versions "$lib/Locked.docx" --restore 1

# --- the file itself, by its properties
expect "status PATH" "file saved Plan.docx" \
    "$(mooring status --json "$lib/Plan.docx" | jq -r '[.kind, .state, .name] | join(" ")')"
case $(mooring status "$lib/Plan.docx") in *"$doc/Plan.docx"*) pass "status PATH for people" ;; *) fail "status PATH" ;; esac

fact() { getfattr --absolute-names --only-values -n "user.mooring.$1" "$2" 2>&1; }
for name in id etag webUrl; do
    expect "attribute ${name,,}" "$(mooring status --json "$lib/Sheet.xlsx" | jq -r ".$name")" \
        "$(fact "${name,,}" "$lib/Sheet.xlsx")"
done
expect "attribute state" saved "$(fact state "$lib/Sheet.xlsx")"
case $(fact nothing "$lib/Plan.docx") in *"No such attribute"*) pass "no other attribute" ;; *) fail "an attribute 'nothing'" ;; esac
case $(fact id "$root/contoso") in *"No such attribute"*) pass "none of a tenant's folder" ;; *) fail "attribute of a folder above" ;; esac
expect "a copy is plain" "" "$(cp -a "$lib/history.txt" "$work/copy.txt" && getfattr --absolute-names -d "$work/copy.txt")"
setfattr -n user.mooring.id -v x "$lib/Plan.docx" 2>/dev/null && fail "attributes can be set"
pass "attributes cannot be set"

# --- the file manager's menus
export XDG_DATA_HOME=$work/data
mooring desktop install || fail "desktop install"
expect "a script of Nautilus opens" "$word" \
    "$(rm -f "$work/opened"; test_env "$work/data/nautilus/scripts/Mooring: edit together" "$lib/Plan.docx" >/dev/null; opened)"
grep -q '^Exec="/.*/mooring" open %f$' "$work/data/applications/mooring-open.desktop" || fail "no application"
mooring desktop remove || fail "desktop remove"
expect "nothing is left" "" "$(find "$work/data" -type f)"

# --- a library that its owners moved to another address, under another title: the file is the same one
control rename-library '{"library": "/sites/finance/Shared Documents", "to": "Papers #1", "title": "Papers"}' >/dev/null
papers="$web/Papers%20%231"
moved="ms-word:ofe|u|$papers/Plan.docx"
expect "moved library: by the path that still stands" "$moved" "$(launch open "$lib/Plan.docx")"
expect "moved library: by its letter" "$moved" "$(launch open 'F:\Plan.docx')"
expect "moved library: by the UNC path that still stands" "$moved" \
    "$(launch open '\\mooring\contoso\finance\Shared Documents\Plan.docx')"
expect "moved library: by its new address, before anybody looked again" "$moved" "$(launch open "$papers/Plan.docx")"
expect "moved library: by a link made before" "$moved" "$(launch open "$link")"
kill -HUP "$agent_pid"
renamed() { [ -e "$root/contoso/finance/Papers #1/Plan.docx" ]; }
until_true 120 "the moved library under its new name" renamed
old_lib=$lib
lib="$root/contoso/finance/Papers #1"
expect "moved library: by its new path" "$moved" "$(launch open "$lib/Plan.docx")"
expect "moved library: by its new UNC path" "$moved" "$(launch open '\\mooring\contoso\finance\Papers #1\Plan.docx')"
expect "moved library: by its new address" "$moved" "$(launch open "$papers/Plan.docx")"
expect "moved library: view" "$papers" "$(launch view "$lib")"
refused "moved library: the old address" NOT_FOUND "leads to nothing" view "$doc/Plan.docx"
refused "moved library: the old path" NOT_FOUND "" view "$old_lib/Plan.docx"
control rename-library '{"library": "/sites/finance/Papers #1", "to": "Shared Documents", "title": "Documents"}' >/dev/null
kill -HUP "$agent_pid"
lib=$old_lib
returned() { [ -e "$lib/Plan.docx" ]; }
until_true 120 "the library under its first name" returned

# --- what cannot be done
refused "nothing of ours" NOT_FOUND "not in a library" open "$work/out"
refused "a foreign address" NOT_FOUND "leads to nothing" view https://example.com/x
refused "no letter" NOT_FOUND "has the letter Q" open 'Q:\x'
refused "a foreign server" NOT_FOUND "not a server" view '\\nowhere\share\x'
control delete '{"library": "/sites/finance/Shared Documents", "path": "Gone.txt"}' >/dev/null
refused "a file that is gone" NOT_FOUND "moved, renamed or deleted" view "$lib/Gone.txt"
control move '{"library": "/sites/finance/Shared Documents", "path": "Form.dotx", "to": "Moved/Form 2.dotx"}' >/dev/null 2>&1 ||
    control move '{"library": "/sites/finance/Shared Documents", "path": "Form.dotx", "to": "Form 2.dotx"}' >/dev/null
refused "a file that moved" NOT_FOUND "moved, renamed or deleted" view "$lib/Form.dotx"

# --- not on the server yet
write_policy "WriteMode: Background"
mooring status --json >/dev/null
agent_stop
agent_start
goes_on
control faults '{"match": {"host": "graph", "method": "P*"}, "count": -1, "action": {"status": 503}}' >/dev/null
printf 'draft' >"$lib/Draft.docx"
refused "not uploaded yet" BUSY "not on the server yet" open "$lib/Draft.docx"
expect "status says so, too" BUSY "$(mooring status --json "$lib/Draft.docx" | jq -r .error.code)"
printf 'more\n' >>"$lib/history.txt"
expect "a new file that waits: attribute state" new "$(fact state "$lib/Draft.docx")"
expect "a save that waits: attribute state" uploading "$(fact state "$lib/history.txt")"
refused "a restore under a save that waits" BUSY "not on the server yet" versions "$lib/history.txt" --restore 1
control clear-faults >/dev/null
mooring uploads retry >/dev/null
mooring uploads wait --seconds 120 >/dev/null || fail "uploads"
expect "uploaded" "ms-word:ofe|u|$doc/Draft.docx" "$(launch open "$lib/Draft.docx")"
expect "and the attribute state" saved "$(fact state "$lib/history.txt")"
agent_stop

# --- kept as unsaved: nobody sends it
write_policy "WriteMode: BeforeClose"
agent_start
goes_on
control faults '{"match": {"host": "graph", "method": "P*"}, "count": -1, "action": {"status": 507}}' >/dev/null
(printf 'more' >>"$lib/Plan.docx") 2>/dev/null
id=$(mooring uploads list --json | jq -r '.uploads[] | select(.state == "unsaved") | .id')
[ -n "$id" ] || fail "the save did not fail: $(mooring uploads list)"
expect "status of an unsaved file" unsaved "$(mooring status --json "$lib/Plan.docx" | jq -r .state)"
expect "and the id for \`uploads\`" "$id" "$(mooring status --json "$lib/Plan.docx" | jq -r .upload)"
refused "an unsaved file" BUSY "uploads list" open "$lib/Plan.docx"
refused "a restore beside an unsaved file" BUSY "uploads list" versions "$lib/Plan.docx" --restore 1
control clear-faults >/dev/null
mooring uploads discard "$id" >/dev/null || fail "discard"
expect "status after discard" saved "$(mooring status --json "$lib/Plan.docx" | jq -r .state)"
agent_stop

# --- policy
control switch '{"name": "links_disabled", "value": true}' >/dev/null
write_policy "CoAuthoring: Browser" "LinkScope: Anonymous"
agent_start
goes_on
case $(launch open "$lib/Plan.docx") in https://*action=edit*) pass "CoAuthoring=Browser" ;; *) fail "$(opened)" ;; esac
refused "the tenant forbids links" DENIED "forbid an anonymous link" link "$lib/Plan.docx"
agent_stop
write_policy "CoAuthoring: Off" "LinkScope: Disabled"
agent_start
goes_on
expect "CoAuthoring=Off" "$lib/Plan.docx" "$(launch open "$lib/Plan.docx")"
refused "policy forbids links" DENIED LinkScope link "$lib/Plan.docx"

# --- signed out
mooring logout --tenant contoso.onmicrosoft.com >/dev/null || fail "logout"
refused "signed out" SIGNED_OUT "mooring login" view "$doc/Plan.docx"
agent_stop
