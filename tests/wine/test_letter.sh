#!/usr/bin/env bash
# A letter that really opens files: libraries of the simulated tenant, mounted by Mooring for Linux, behind a remote drive of
# Wine's mount manager. Windows programs use them by M:\ and by the UNC path; what they wrote is on the server.
#
# What this shows: how Windows programs use files (shares, dispositions, renames) fits what the file system and the service
# allow. What it does not show: WinFsp. Skipped where /dev/fuse cannot be opened.
# shellcheck source=tests/wine/lib.sh
. "$(dirname "$0")/lib.sh"
if [ ! -c /dev/fuse ] || ! (: <>/dev/fuse) 2>/dev/null; then
    echo "SKIP: /dev/fuse cannot be opened by this user"
    exit 77
fi
linux_mooring=$(dirname "$MOORING_TENANT")/mooring
if [ ! -x "$linux_mooring" ]; then
    echo "SKIP: there is no mooring for this machine at $linux_mooring (cmake --preset linux)"
    exit 77
fi
wine_begin letter
tenant_start "$here/../tenant/scenarios/tiny.json"
domain=$(jq -r '.tenants[0].initial_domain' "$work/ready.json")
root=$work/mnt
mkdir -p "$work"/{home,state,cache,config,run}
chmod 700 "$work/run"
cat >"$work/policy.yaml" <<YAML
Cloud: Custom
CustomLoginUrl: $(jq -r .login_url "$work/ready.json")
CustomGraphUrl: $(jq -r .graph_url "$work/ready.json")
CaFile: $(jq -r .ca_file "$work/ready.json")
ClientId: 11111111-2222-4333-8444-555555555555
SignIn: DeviceCode
StartupJitterSeconds: 0
MountRoot: $root
Transport: Np
WriteMode: BeforeClose
Tenants: [$domain]
YAML
linux() {
    env HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
        XDG_RUNTIME_DIR="$work/run" "$linux_mooring" "$@"
}
linux_pid=
at_end() {
    tool letter unmap M: >/dev/null 2>&1
    rm -f "$prefix/dosdevices/unc/mooring"
    [ -n "$linux_pid" ] && kill "$linux_pid" 2>/dev/null && wait "$linux_pid" 2>/dev/null
    if grep -qs " $root fuse" /proc/self/mountinfo; then
        fusermount3 -uz "$root" 2>/dev/null
    fi
}
tool() { wine_run "$MOORING_BUILD/tests/tools/$1.exe" "${@:2}"; }

env HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
    XDG_RUNTIME_DIR="$work/run" "$linux_mooring" agent --policy "$work/policy.yaml" >"$work/linux.out" 2>&1 &
linux_pid=$!
linux_ready() {
    local code
    kill -0 "$linux_pid" 2>/dev/null || fail "the agent ended: $(tail -n 3 "$work/linux.out")"
    code=$(linux status --json 2>/dev/null | jq -r '.accounts[0].userCode // empty')
    [ -n "$code" ] && control device "{\"action\":\"approve\",\"tenant\":\"$domain\",\"user_code\":\"$code\"}" >/dev/null
    [ "$(linux status --json 2>/dev/null | jq -r '[.accounts[] | select(.discovered)] | length')" = 1 ]
}
until_true 120 "sign-in and discovery" linux_ready
library=$(find "$root" -mindepth 3 -maxdepth 3 -type d -name 'Shared Documents' -not -path '*/drives/*' | sort | head -n 1)
[ -d "$library" ] || fail "there is no library below $root: $(find "$root" -maxdepth 3)"
name=${library#"$root"/}

# \\mooring\... is what a transport shows: the folder of UNC names of Wine leads to the mount
mkdir -p "$prefix/dosdevices/unc"
ln -sfn "$root" "$prefix/dosdevices/unc/mooring"
tool letter map M: "mooring/$name" >"$work/map.out" || fail "no letter: $(cat "$work/map.out")"
unc='\\mooring\'${name//\//\\}
out=$(tool letter kind M:)
has "the letter is a remote drive" '^kind 4$' "$out"
grep -qF "behind $unc (0)" <<<"$out" || fail "the letter is not $unc: $out"
pass "and leads to our UNC name"

uploads_of() { linux uploads list --json | jq '.uploads | length'; }
use() { # NAME FOLDER
    local got
    got=$(tool letter use "$2")
    grep -q '^done$' <<<"$got" || fail "$1: $got"
    expect "$1: every step" 14 "$(grep -c '^ok ' <<<"$got")"
    expect "$1: what was written is there for Linux" "two, and longer" "$(cat "$library/Folder/Kept.txt")"
    [ ! -e "$library/gone.txt" ] && [ ! -e "$library/Renamed.txt" ] && [ ! -e "$library/new.tmp" ] || fail "$1: something is left: $(ls "$library")"
    pass "$1: and what was moved or deleted is gone"
    everything_sent() { [ "$(uploads_of)" = 0 ]; }
    until_true 120 "$1: sending" everything_sent
}
use 'by M:\' 'M:'
rm -r "$library/Folder"
use "by the UNC path" "$unc"

# cmd.exe, as scripts use it
cmd() { # by a file, since quotes of a command line do not survive the way there
    printf '@echo off\r\n%s\r\n' "$*" >"$work/command.bat"
    wine_run "$prefix/drive_c/windows/system32/cmd.exe" /c "$(windows_path "$work/command.bat")"
}
cmd 'echo from cmd> M:\cmd.txt' >"$work/cmd.out"
grep -q '^from cmd' "$library/cmd.txt" || fail "cmd.exe wrote nothing: $(cat "$work/cmd.out")"
has "cmd.exe writes and reads" '^from cmd' "$(cmd 'type M:\cmd.txt')"
has "by the UNC path, too" '^from cmd' "$(cmd "type \"$unc\\cmd.txt\"")"
cmd 'ren M:\cmd.txt other.txt' >/dev/null
has "it renames" 'other\.txt' "$(cmd 'dir /b M:\')"
has "and lists folders (Wine's dir knows no UNC path)" '^Kept\.txt$' "$(cmd 'dir /b M:\Folder')"
cmd 'copy M:\other.txt M:\Folder\copy.txt' >/dev/null
expect "and copies" "$(cat "$library/other.txt")" "$(cat "$library/Folder/copy.txt")"
cmd 'del M:\other.txt' >/dev/null
[ ! -e "$library/other.txt" ] || fail "del left the file"
pass "and deletes"

# on the server: what another machine would see
site=$(cut -d/ -f2 <<<"$name")
item=$(control item "{\"tenant\":\"$domain\",\"library\":\"/sites/$site/Shared Documents\",\"path\":\"Folder/Kept.txt\"}")
expect "it is on the server, byte for byte" "$(printf 'two, and longer' | sha256sum | cut -d' ' -f1)" "$(jq -r .sha256 <<<"$item")"
tool letter unmap M: >/dev/null
has "the letter goes" '^kind 1$' "$(tool letter kind M:)"
