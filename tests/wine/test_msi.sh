#!/usr/bin/env bash
# The MSI for x86_64 in Wine: installed with properties, found in order, upgraded under a running agent, not downgraded,
# repaired, removed. What is there is looked at each time, since msiexec under Wine says 0 to much (its exit codes are cut
# to 8 bits: 1603 is 67).
#
# shellcheck disable=SC2154,SC1003 # set by lib.sh; backslashes at the end of Windows' folders
#
# A prefix of its own: other tests must not find the provider registered. Wine is no proof for Windows:
# deploy/docs/windows-verification.md has what is left to see there.
export MOORING_WINEPREFIX=${MOORING_MSI_WINEPREFIX:-$MOORING_BUILD/wine-msi}
# shellcheck source=tests/wine/lib.sh
. "$(dirname "$0")/lib.sh"
builds=$(dirname "$MOORING_BUILD")
for need in "$MOORING_BUILD/bin/mooring.exe" "$MOORING_BUILD/bin/mooringnp.dll" "$builds/windows-i686/bin/mooringnp.dll" \
    "$MOORING_BUILD/tests/recording/mooring-agent.exe"; do
    if [ ! -f "$need" ]; then
        echo "SKIP: $need is not built (deploy/windows/build.sh builds all three)"
        exit 77
    fi
done
if [ "$(basename "$MOORING_BUILD")" != windows-x86_64 ]; then
    echo "SKIP: build.sh packs build/windows-x86_64, and this is $MOORING_BUILD"
    exit 77
fi
wine_begin msi "without tenant"

refused=67
programs=$prefix/drive_c/Program\ Files/Mooring
system=$prefix/drive_c/windows/system32
wow64=$prefix/drive_c/windows/syswow64
task=$system/tasks/Mooring
templates=$prefix/drive_c/windows/PolicyDefinitions
setup_key='HKLM\Software\MooringSetup'
run_key='HKLM\Software\Microsoft\Windows\CurrentVersion\Run'
order_key='HKLM\SYSTEM\CurrentControlSet\Control\NetworkProvider\Order'
windows_key='HKLM\Software\Microsoft\Windows NT\CurrentVersion'
components_key='HKLM\Software\Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Components'
path_key='HKLM\System\CurrentControlSet\Control\Session Manager\Environment'
foreign=RDPNP,LanmanWorkstation,WinFsp.Np,webclient
client=11111111-2222-4333-8444-555555555555

msiexec() { wine_run "$system/msiexec.exe" "$@" /qn; }
install() { msiexec /i "$(windows_path "$work/$1")" "${@:2}"; }
schtasks() { wine_run "$system/schtasks.exe" "$@"; }
uninstall() { msiexec /x "$(windows_path "$work/$1")"; }
repair() { install "$1" REINSTALL=ALL REINSTALLMODE=amus "${@:2}"; } # what msiexec /fa does; Wine's /f takes no file
installed() { wine_run "$programs/mooring.exe" "$@"; }

# value KEY NAME: type and data, or nothing
value() { reg query "$1" /v "$2" | sed -n "s/^ *$2  *\(REG_[A-Z_]*\)  *\(.*[^ ]\) *$/\1 \2/p"; }
order() { value "$order_key" ProviderOrder; }
present() { [ -e "$2" ] || fail "$1: $2 is not there" && pass "$1"; }
absent() { [ ! -e "$2" ] || fail "$1: $2 is there" && pass "$1"; }

product_code() { msiinfo export "$work/$1" Property | tr -d '\r' | sed -n 's/^ProductCode\t//p'; }
entry() { value "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\$(product_code "$1")" "$2"; }

# All files and all of the registry that an installation could leave something in, each value with its key before it. What
# Windows Installer keeps for itself and what users have (their journals are theirs) are not of this product.
snapshot() {
    (cd "$prefix/drive_c" && find . \( -path ./users -o -path ./windows/temp -o -path ./windows/Installer \) -prune -o -print | sort) >"$work/$1.files"
    for key in Software System; do
        reg export "HKLM\\$key" "$(windows_path "$work/$1.$key.reg")" /y >/dev/null || fail "reg export $key"
        iconv -f UTF-16 -t UTF-8 "$work/$1.$key.reg" | tr -d '\r' |
            awk '/^\[/ { key = $0; skip = index(key, "\\Installer\\UserData\\"); if (!skip) print key; next }
                 key && !skip && !/^ *$/ { print key $0 }'
    done >"$work/$1.registry"
}
# Wine's own, while it runs: what it says of the missing display for each desktop that it makes, and its number for the next
# process of a service. Both keys are volatile, so nothing that is installed can stay there.
differences() {
    local control='\[HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Control'
    diff "$work/before.files" "$work/after.files" | grep '^[<>]'
    diff "$work/before.registry" "$work/after.registry" | grep '^[<>]' | grep -vE \
        -e "^[<>] $control"'\\Video\\\{[0-9a-f-]{36}\}(\\0000)?\]("DriverError"=".*")?$' \
        -e "^[<>] $control"'\\ServiceCurrent\]@=dword:[0-9a-f]{8}$'
}

# What any first package, and any first task, leaves in a new prefix: empty keys of the installer, how the service of tasks
# starts. A package and a task of nobody come before ours, so that what we compare is ours.
warm_up() {
    cp "$here/msi/foreign.wxs" "$work/"
    echo foreign >"$work/foreign.txt"
    (cd "$work" && wixl -a x64 -o foreign.msi foreign.wxs) || fail "wixl"
    uninstall foreign.msi >/dev/null 2>&1 # what a run that was killed left
    install foreign.msi >"$work/out" || fail "the first package of all: $(cat "$work/out")"
    present "another package" "$prefix/drive_c/Program Files/Foreign/foreign.txt"
    uninstall foreign.msi >"$work/out" || fail "removal of the first package of all: $(cat "$work/out")"
    absent "goes again" "$prefix/drive_c/Program Files/Foreign"
    cat >"$work/foreign.xml" <<XML
<?xml version="1.0"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Actions><Exec><Command>C:\\foreign.exe</Command></Exec></Actions>
</Task>
XML
    schtasks /create /tn Foreign /xml "$(windows_path "$work/foreign.xml")" /f || fail "the first task of all"
    schtasks /delete /tn Foreign /f || fail "removal of the first task of all"
    # Empty where there is no 32-bit Wine; on a Windows it never is, and Wine's installer takes an empty folder away.
    mkdir -p "$wow64"
    echo foreign >"$wow64/foreign.txt"
}

for version in 1.0.0 1.1.0; do
    "$here/../../deploy/windows/build.sh" --no-install --no-build --arch x86_64 --builds "$builds" --version $version \
        --out "$work" >/dev/null || fail "build.sh"
done
old=mooring-1.0.0-x86_64.msi
new=mooring-1.1.0-x86_64.msi

# What a run that was killed left.
for msi in $new $old; do
    uninstall "$msi" >/dev/null 2>&1
done
reg delete "$run_key" /v Mooring /f >/dev/null 2>&1
rm -rf "$programs" "$system/mooringnp.dll" "$wow64/mooringnp.dll" "$task" "$templates"
reg delete "$setup_key" /f >/dev/null 2>&1
reg delete "$components_key" /f >/dev/null 2>&1
path_before=%SystemRoot%\\system32\;%SystemRoot%\;%SystemRoot%\\system32\\wbem
reg add "$path_key" /v PATH /t REG_EXPAND_SZ /d "$path_before" /f >/dev/null
reg add "$order_key" /v ProviderOrder /t REG_SZ /d "$foreign" /f >/dev/null

warm_up
# Wine does not say which Windows it is in the value that tells 10 from 8.1.
reg delete "$windows_key" /v CurrentMajorVersionNumber /f >/dev/null 2>&1
install $old >/dev/null
expect "a Windows before 10 is refused" $refused $?
absent "and nothing is there" "$programs"
reg add "$windows_key" /v CurrentMajorVersionNumber /t REG_DWORD /d 10 /f >/dev/null
install $old TRANSPORT=Carrier-pigeon >/dev/null
expect "a transport that does not exist is refused" $refused $?
install $old AUTOSTART=sometimes >/dev/null
expect "so is a way to start that does not exist" $refused $?
absent "and nothing is there" "$programs"
# A key that has nothing else in it goes with our value; on a Windows these are never empty.
reg add 'HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\Foreign' /v TypesSupported /t REG_DWORD /d 7 /f >/dev/null
reg add "$run_key" /v Foreign /d foreign.exe /f >/dev/null
snapshot before

# ---- an installation that fails ----
reg add "$order_key" /v ProviderOrder /t REG_BINARY /d 4142 /f >/dev/null
install $old TENANT=contoso.onmicrosoft.com >"$work/out" && fail "a list of providers that is no text was accepted"
expect "a list of providers that is no text is left alone" "REG_BINARY 4142" "$(order)"
reg add "$order_key" /v ProviderOrder /t REG_SZ /d "$foreign" /f >/dev/null
absent "and what was installed before the failure is taken back: programs" "$programs"
absent "the provider" "$system/mooringnp.dll"
absent "the task" "$task"
expect "the registry" "" "$(value "$setup_key" Version)"
snapshot after
expect "and all else" "" "$(differences)"

# ---- installation with properties ----
install $old TENANT=contoso.onmicrosoft.com CLIENTID=$client TRANSPORT=Np >"$work/out" || fail "installation: $(cat "$work/out")"
for file in mooring.exe mooring-agent.exe LICENSE.txt THIRD-PARTY-NOTICES.txt; do
    present "installed: $file" "$programs/$file"
done
has "the program runs where it lies" "^mooring [0-9]" "$(installed --version)"
cmp -s "$system/mooringnp.dll" "$wow64/mooringnp.dll" && fail "both network providers are the same file"
present "the provider for programs of 64 bits" "$system/mooringnp.dll"
present "the provider for programs of 32 bits" "$wow64/mooringnp.dll"
absent "templates are installed only when asked for" "$templates/Mooring.admx"
expect "version" "REG_SZ 1.0.0" "$(value "$setup_key" Version)"
expect "the tenant is a preference" "REG_SZ contoso.onmicrosoft.com" "$(value 'HKLM\Software\Mooring\Tenants' Setup)"
expect "the client id is a preference" "REG_SZ $client" "$(value 'HKLM\Software\Mooring' ClientId)"
expect "the transport is a preference" "REG_DWORD 0x1" "$(value 'HKLM\Software\Mooring' Transport)"
shown=$(installed policy show --json)
for setting in Tenants ClientId Transport; do
    expect "the agent reads $setting as a preference of the computer" machinePreference \
        "$(jq -r ".settings[] | select(.name == \"$setting\") | .source.layer" <<<"$shown")"
done
reg add "$policies" /v ClientId /t REG_SZ /d 99999999-2222-4333-8444-555555555555 /f >/dev/null
expect "a policy overrides it" machinePolicy \
    "$(installed policy show --json | jq -r '.settings[] | select(.name == "ClientId") | .source.layer')"
reg delete "$policies" /f >/dev/null
present "the task at logon" "$task"
expect "no Run key beside it" "" "$(value "$run_key" Mooring)"
expect "foreign providers stay where they are" "REG_SZ RDPNP,LanmanWorkstation,MooringNP,WinFsp.Np,webclient" "$(order)"
has "the provider is in order" "network provider: registered" "$(installed np check)"
expect "the texts of events are found" 'REG_SZ C:\Program Files\Mooring\mooring-agent.exe' \
    "$(value 'HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\Mooring' EventMessageFile)"
has "commands are found" ';C:\\Program Files\\Mooring\\' "$(value "$path_key" PATH)"
has "it stands among the programs" "REG_SZ Mooring" "$(entry $old DisplayName)"
has "with its version" "REG_SZ 1.0.0" "$(entry $old DisplayVersion)"
expect "nothing of a user is installed" "" "$(reg query 'HKCU\Software\Mooring' 2>/dev/null | grep Mooring | grep -v Unable)"

# ---- upgrade under a running agent ----
# The one with the recording transport in the place of the installed one, since there is no driver here. It must reach
# nobody: its cloud is a port of loopback where nothing listens.
cat >"$work/agent.reg" <<REG
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\\Software\\Policies\\Mooring]
"Cloud"=dword:00000004
"CustomLoginUrl"="https://127.0.0.1:9"
"CustomGraphUrl"="https://127.0.0.1:9"
"SignIn"=dword:00000003
"StartupJitterSeconds"=dword:00000000
REG
reg import "$(windows_path "$work/agent.reg")" >/dev/null || fail "reg import"
cp "$MOORING_BUILD/tests/recording/mooring-agent.exe" "$programs/"
MOORING_RECORDING=$(windows_path "$recording") "$run" "$programs/mooring-agent.exe" >"$work/agent.out" 2>&1 </dev/null &
agent_pid=$!
until_true 240 "start of the installed agent" agent_answers
install $new >"$work/out" || fail "upgrade: $(cat "$work/out")"
wait "$agent_pid"
expect "the agent has ended, not by force" 0 $?
agent_pid=
has "because the upgrade asked" "an installer asks for the end" "$(cat "$prefix"/drive_c/users/*/AppData/Local/Mooring/mooring.log)"
reg delete "$policies" /f >/dev/null
expect "the new version" "REG_SZ 1.1.0" "$(value "$setup_key" Version)"
expect "stands alone among the programs" "" "$(entry $old DisplayName)"
has "with its own version" "REG_SZ 1.1.0" "$(entry $new DisplayVersion)"
expect "what the first installation was told is kept: tenant" "REG_SZ contoso.onmicrosoft.com" \
    "$(value 'HKLM\Software\Mooring\Tenants' Setup)"
expect "client id" "REG_SZ $client" "$(value 'HKLM\Software\Mooring' ClientId)"
expect "transport" "REG_DWORD 0x1" "$(value 'HKLM\Software\Mooring' Transport)"
present "and the task" "$task"
expect "foreign providers stay where they are" "REG_SZ RDPNP,LanmanWorkstation,MooringNP,WinFsp.Np,webclient" "$(order)"

# ---- downgrade ----
install $old >/dev/null
expect "an older version is refused" $refused $?
expect "and the newer one stays" "REG_SZ 1.1.0" "$(value "$setup_key" Version)"
has "and runs" "^mooring [0-9]" "$(installed --version)"

# ---- repair ----
rm "$programs/mooring-agent.exe" "$task"
reg delete "$setup_key" /v Version /f >/dev/null
reg add "$order_key" /v ProviderOrder /t REG_SZ /d "NewNP,$foreign" /f >/dev/null
repair $new >"$work/out" || fail "repair: $(cat "$work/out")"
present "repaired: the agent" "$programs/mooring-agent.exe"
present "the task" "$task"
expect "the version" "REG_SZ 1.1.0" "$(value "$setup_key" Version)"
expect "the provider's place, beside one that came since" \
    "REG_SZ NewNP,RDPNP,LanmanWorkstation,MooringNP,WinFsp.Np,webclient" "$(order)"
expect "the tenant is still there" "REG_SZ contoso.onmicrosoft.com" "$(value 'HKLM\Software\Mooring\Tenants' Setup)"

# ---- removal ----
# msiexec itself has the provider open, as every program that asks mpr.dll; Wine does not delete at the next start.
uninstall $new >"$work/out" || fail "removal: $(cat "$work/out")"
expect "removed: only our word is gone from the providers" "REG_SZ NewNP,$foreign" "$(order)"
expect "the provider's key is gone" "" "$(value 'HKLM\SYSTEM\CurrentControlSet\Services\MooringNP\NetworkProvider' Name)"
absent "the programs are gone" "$programs"
absent "the task is gone" "$task"
rm -f "$system/mooringnp.dll"

# ---- the Run key, all features ----
install $new AUTOSTART=run ADDLOCAL=ALL >"$work/out" || fail "installation: $(cat "$work/out")"
expect "AUTOSTART=run: the Run key" 'REG_SZ "C:\Program Files\Mooring\mooring-agent.exe"' "$(value "$run_key" Mooring)"
absent "and no task" "$task"
for file in Mooring.admx en-US/Mooring.adml de-DE/Mooring.adml; do
    cmp "$templates/$file" "$here/../../admx/out/$file" || fail "template $file"
done
pass "ADDLOCAL=ALL: the templates"
expect "no tenant without TENANT" "" "$(value 'HKLM\Software\Mooring\Tenants' Setup)"
repair $new AUTOSTART=task >"$work/out" || fail "repair: $(cat "$work/out")"
present "a repair with AUTOSTART=task makes the task" "$task"
# Now nothing has the provider open, and all must go.
installed np unregister || fail "mooring np unregister"
uninstall $new >"$work/out" || fail "removal: $(cat "$work/out")"

# ---- WebDAV alone ----
install $new TRANSPORT=webdav AUTOSTART=none >"$work/out" || fail "installation: $(cat "$work/out")"
expect "TRANSPORT=webdav, in whatever spelling" "REG_DWORD 0x2" "$(value 'HKLM\Software\Mooring' Transport)"
absent "brings no provider" "$system/mooringnp.dll"
expect "and touches nobody's" "REG_SZ NewNP,$foreign" "$(order)"
absent "AUTOSTART=none: no task" "$task"
expect "no Run key" "" "$(value "$run_key" Mooring)"
uninstall $new >"$work/out" || fail "removal: $(cat "$work/out")"

# ---- nothing is left ----
reg add "$order_key" /v ProviderOrder /t REG_SZ /d "$foreign" /f >/dev/null
# Wine takes our folder out of PATH and leaves the separators before it.
has "our folder is not in PATH" '^REG_EXPAND_SZ [^;]*;[^;]*;[^;]*wbem;*$' "$(value "$path_key" PATH)"
reg add "$path_key" /v PATH /t REG_EXPAND_SZ /d "$path_before" /f >/dev/null
present "what users have not sent yet stays theirs" "$(echo "$prefix"/drive_c/users/*/AppData/Local/Mooring/journal)"
snapshot after
expect "nothing is left, neither files nor registry" "" "$(differences)"
expect "nor does Windows Installer know of any part" "" "$(reg query "$components_key" 2>/dev/null | grep '^HKEY')"
