# shellcheck shell=bash disable=SC2034
#
# lib.sh - for tests that run the Windows programs under Wine: the prefix of tests/wine/run.sh, a simulated tenant on Linux,
# an agent. To be sourced; ctest gives MOORING_BUILD (the build folder), MOORING_TENANT (the tenant's program), and lets one
# of these tests run at a time, since they share a registry and a user's folders.
#
#   wine_begin NAME              makes $work, clears what an earlier test left in the registry, arranges the clean-up
#   mooring ...                  mooring.exe; its output without carriage returns
#   reg ...                      reg.exe
#   tenant_start SCENARIO, control VERB [JSON]
#   policy_base                  what the agent needs to know of the tenant, into HKLM\Software\Policies\Mooring
#   agent_start | agent_stop     mooring-agent.exe with the recording transport -> $recording
#   sign_in                      approves the device code that waits
#   at_end                       a test's own clean-up, if it has any: a function that it defines
#   within NAME COMMAND...       waits until it is true, and tells how long that took; a condition by hand: WITHIN_MS=2000
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
run=$here/run.sh
export MOORING_WINEPREFIX=${MOORING_WINEPREFIX:-$MOORING_BUILD/wine}
prefix=$MOORING_WINEPREFIX
policies='HKLM\Software\Policies\Mooring'

wine_begin() {
    test_name=$1
    if [ ! -x "$MOORING_TENANT" ] && [ "${2:-}" != "without tenant" ]; then
        echo "SKIP: there is no simulated tenant for this machine at $MOORING_TENANT (cmake --preset linux)"
        exit 77
    fi
    work=$(mktemp -d "${TMPDIR:-/tmp}/mooring-wine-XXXXXX")
    agent_pid=
    tenant_pid=
    trap wine_end EXIT
    trap 'exit 1' INT TERM
    recording=$work/recording
    version=$(mooring --version)
    case $version in
    "mooring "*) ;;
    *"cannot run"*)
        echo "SKIP: $version"
        exit 77
        ;;
    *) fail "mooring.exe does not run: $version" ;;
    esac
    ready=yes
    clear_all
}

clear_all() {
    local key
    for key in 'HKLM\Software\Policies\Mooring' 'HKCU\Software\Policies\Mooring' 'HKLM\Software\Mooring' 'HKCU\Software\Mooring'; do
        reg delete "$key" /f >/dev/null 2>&1
    done
    rm -rf "$prefix"/drive_c/users/*/AppData/Local/Mooring
}

wine_end() {
    local code=$?
    if declare -F at_end >/dev/null; then at_end; fi
    [ -n "$agent_pid" ] && kill "$agent_pid" 2>/dev/null && wait "$agent_pid" 2>/dev/null
    [ -n "$tenant_pid" ] && kill "$tenant_pid" 2>/dev/null && wait "$tenant_pid" 2>/dev/null
    if [ $code != 0 ] && [ $code != 77 ]; then
        echo "--- agent"
        tail -n 20 "$work/agent.out" 2>/dev/null
        tail -n 5 "$work/stderr" 2>/dev/null
        tail -n 40 "$prefix"/drive_c/users/*/AppData/Local/Mooring/mooring.log 2>/dev/null
        tail -n 5 "$recording" 2>/dev/null
    fi
    [ -n "${ready:-}" ] && clear_all
    rm -rf "$work"
    exit $code
}

fail() {
    echo "FAIL $test_name: $*"
    exit 1
}
pass() { echo "ok   $*"; }
expect() {
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
    pass "$1"
}
# has NAME PATTERN TEXT
has() {
    grep -qE -- "$2" <<<"$3" || fail "$1: no '$2' in: $3"
    pass "$1"
}
until_true() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "$what did not happen in time"
        sleep 0.1
    done
}

# The exit code is that of the program (Wine keeps what fits into 8 bits). By a file: what Wine starts in the background for
# itself holds our output open long after the program ended. With $apart standard error is not in it: Wine writes there, too.
wine_run() {
    local code out
    out=$(mktemp "$work/out-XXXXXX")
    if [ -n "${apart:-}" ]; then
        timeout 300 "$run" "$@" >"$out" 2>>"$work/stderr" </dev/null
    else
        timeout 300 "$run" "$@" >"$out" 2>&1 </dev/null
    fi
    code=$?
    tr -d '\r' <"$out"
    rm -f "$out"
    return $code
}
mooring() {
    local apart=
    case " $* " in *" --json "*) apart=yes ;; esac
    wine_run "$MOORING_BUILD/bin/mooring.exe" "$@"
}
reg() { wine_run "$prefix/drive_c/windows/system32/reg.exe" "$@"; }

# Z: is the root of the Linux file system.
windows_path() { printf 'Z:%s' "${1//\//\\}"; }

tenant_start() {
    mkdir -p "$work/tenant"
    "$MOORING_TENANT" --scenario "$1" --state "$work/tenant" --ready-file "$work/ready.json" --max-seconds 1500 \
        --die-with-parent >"$work/tenant.out" 2>&1 &
    tenant_pid=$!
    until_true 120 "start of the tenant" test -s "$work/ready.json"
}

control() { "$MOORING_TENANT" control "$work/tenant" "$@"; }

policy_base() {
    cat >"$work/base.reg" <<REG
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\\Software\\Policies\\Mooring]
"Cloud"=dword:00000004
"CustomLoginUrl"="$(jq -r .login_url "$work/ready.json")"
"CustomGraphUrl"="$(jq -r .graph_url "$work/ready.json")"
"CaFile"="$(windows_path "$(jq -r .ca_file "$work/ready.json")" | sed 's/\\/\\\\/g')"
"ClientId"="11111111-2222-4333-8444-555555555555"
"SignIn"=dword:00000003
"StartupJitterSeconds"=dword:00000000

[HKEY_LOCAL_MACHINE\\Software\\Policies\\Mooring\\Tenants]
"1"="contoso.onmicrosoft.com"
REG
    reg import "$(windows_path "$work/base.reg")" >"$work/import.out" || fail "reg import: $(cat "$work/import.out")"
}

agent_start() {
    MOORING_RECORDING=$(windows_path "$recording") "$run" "$MOORING_BUILD/tests/recording/mooring-agent.exe" "$@" \
        >>"$work/agent.out" 2>&1 </dev/null &
    agent_pid=$!
    until_true 120 "start of the agent" agent_answers
}
agent_answers() {
    kill -0 "$agent_pid" 2>/dev/null || fail "the agent ended: $(tail -n 3 "$work/agent.out")"
    mooring status --json >/dev/null || [ $? = 1 ]
}
agent_stop() {
    local code
    mooring agent --stop || fail "mooring agent --stop said no"
    wait "$agent_pid"
    code=$?
    agent_pid=
    [ $code = 0 ] || fail "the agent ended with $code"
}

status() { mooring status --json | jq -r "$1"; }

approve_code() {
    local code
    code=$(status '.accounts[0].userCode // empty')
    if [ -n "$code" ]; then
        control device "{\"action\":\"approve\",\"tenant\":\"$(status '.accounts[0].tenant')\",\"user_code\":\"$code\"}" \
            >/dev/null
    fi
    [ "$(status '[.accounts[] | select(.discovered)] | length')" = 1 ]
}
sign_in() { until_true 120 "sign-in and discovery" approve_code; }

quietly() { "$@" >/dev/null 2>&1; }
within() {
    local name=$1 start took
    shift
    start=$(date +%s%N)
    until_true 120 "$name" quietly "$@"
    took=$((($(date +%s%N) - start) / 1000000))
    [ -z "${WITHIN_MS:-}" ] || [ $took -le "$WITHIN_MS" ] || fail "$name: took $took ms"
    pass "$name ($took ms)"
}
