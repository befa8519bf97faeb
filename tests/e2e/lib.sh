# shellcheck shell=bash disable=SC2034
#
# lib.sh - for end-to-end tests: a simulated tenant and an agent with files of their own, bounded in time, and nothing left
# behind. To be sourced; ctest gives MOORING_BIN, the folder of the programs.
#
#   e2e_begin NAME                    makes $work, arranges the clean-up
#   tenant_start SCENARIO [OPTIONS]   -> $tenant_state, $login_url, $graph_url, $ca_file
#   control VERB [JSON]               asks the tenant's control port
#   policy_write [YAML lines]         -> $policy (a custom cloud on this tenant, device code, mount at $root)
#   agent_start | agent_stop          the agent; its terminal output goes to $work/agent.out
#   sign_in [TENANT [USER]]           approves every device code that waits, until all accounts are signed in
#   mooring ...                       the program, with the environment of this test
#   expect NAME EXPECTED ACTUAL, fail TEXT, pass TEXT
set -u
MOORING_BIN=${MOORING_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/linux/bin}

e2e_begin() {
    test_name=$1
    work=$(mktemp -d "${TMPDIR:-/tmp}/mooring-e2e-XXXXXX")
    root=$work/mnt
    tenant_pid=
    agent_pid=
    mkdir -p "$work"/{state,cache,config,run,home}
    chmod 700 "$work"/run
    trap e2e_end EXIT
    trap 'exit 1' INT TERM
    if [ ! -c /dev/fuse ] || ! (: <>/dev/fuse) 2>/dev/null; then
        echo "SKIP: /dev/fuse cannot be opened by this user"
        exit 77
    fi
}

e2e_end() {
    local code=$?
    [ -n "$agent_pid" ] && kill "$agent_pid" 2>/dev/null && wait "$agent_pid" 2>/dev/null
    [ -n "$tenant_pid" ] && kill "$tenant_pid" 2>/dev/null && wait "$tenant_pid" 2>/dev/null
    if [ $code != 0 ] && [ $code != 77 ]; then
        echo "--- agent's terminal"
        tail -n 20 "$work/agent.out" 2>/dev/null
        echo "--- agent's log"
        tail -n 40 "$work/state/mooring/mooring.log" 2>/dev/null
        echo "--- tenant"
        tail -n 5 "$work/tenant.out" 2>/dev/null
    fi
    if grep -qs " $root fuse" /proc/self/mountinfo; then
        fusermount3 -uz "$root" 2>/dev/null
    fi
    if [ -n "${E2E_KEEP:-}" ]; then
        echo "kept: $work"
    else
        rm -rf "$work"
    fi
    exit $code
}

fail() {
    echo "FAIL $test_name: $*"
    exit 1
}

pass() {
    echo "ok   $*"
}

expect() {
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
    pass "$1"
}

# until_true SECONDS TEXT COMMAND...: polls; the only waiting in these tests, bounded, never a measurement
until_true() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "$what did not happen in time"
        sleep 0.1
    done
}

tenant_start() {
    local scenario=$1
    shift
    tenant_state=$work/tenant
    mkdir -p "$tenant_state"
    rm -f "$work/ready.json"
    "$MOORING_BIN/mooring-tenant" --scenario "$scenario" --state "$tenant_state" --ready-file "$work/ready.json" \
        --max-seconds 1500 --die-with-parent "$@" >"$work/tenant.out" 2>&1 &
    tenant_pid=$!
    until_true 120 "start of the tenant" test -s "$work/ready.json"
    login_url=$(jq -r .login_url "$work/ready.json")
    graph_url=$(jq -r .graph_url "$work/ready.json")
    ca_file=$(jq -r .ca_file "$work/ready.json")
    tenant_port=$(jq -r .port "$work/ready.json")
}

tenant_stop() {
    kill "$tenant_pid" && wait "$tenant_pid" 2>/dev/null
    tenant_pid=
}

control() {
    "$MOORING_BIN/mooring-tenant" control "$tenant_state" "$@"
}

# Every further argument is a line of YAML. By renaming: an agent that watches the policy reads what it finds, and half of
# one, without its tenants, is a policy too.
policy_write() {
    policy=$work/policy.yaml
    cat >"$policy.new" <<YAML
Cloud: Custom
CustomLoginUrl: $login_url
CustomGraphUrl: $graph_url
CaFile: $ca_file
ClientId: 11111111-2222-4333-8444-555555555555
SignIn: DeviceCode
StartupJitterSeconds: 0
MountRoot: $root
YAML
    # What a test looks at on the server is there when its program has closed it, unless it asks for the journal.
    case "$*" in *WriteMode:*) ;; *) echo "WriteMode: BeforeClose" >>"$policy.new" ;; esac
    printf '%s\n' "$@" >>"$policy.new"
    mv "$policy.new" "$policy"
}

test_env() {
    env HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache" \
        XDG_CONFIG_HOME="$work/config" XDG_RUNTIME_DIR="$work/run" "$@"
}

mooring() {
    test_env "$MOORING_BIN/mooring" "$@"
}

agent_start() {
    HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
        XDG_RUNTIME_DIR="$work/run" "$MOORING_BIN/mooring" agent --policy "$policy" >>"$work/agent.out" 2>&1 &
    agent_pid=$!
    until_true 120 "start of the agent" agent_answers
}

agent_answers() {
    kill -0 "$agent_pid" 2>/dev/null || fail "the agent ended: $(tail -n 1 "$work/agent.out")"
    mooring status --json >/dev/null 2>&1 || [ $? = 1 ]
}

# Ends the agent as the end of a session does; it must exit 0.
agent_stop() {
    kill "$agent_pid"
    wait "$agent_pid"
    local code=$?
    agent_pid=
    [ $code = 0 ] || fail "the agent exited with $code after SIGTERM"
}

status() {
    mooring status --json | jq -r "$1"
}

approve_codes() {
    mooring status --json | jq -r '.accounts[] | select(.userCode) | [.tenant, .userCode] | @tsv' |
        while IFS=$'\t' read -r tenant code; do
            control device "{\"action\":\"approve\",\"tenant\":\"$tenant\",\"user_code\":\"$code\"${1:+,\"user\":\"$1\"}}" \
                >/dev/null
        done
    [ "$(status '(.accounts | length) > 0 and all(.accounts[]; .discovered)')" = true ]
}

# sign_in [USER]: the first user of each tenant when none is named
sign_in() {
    until_true 120 "sign-in and discovery" approve_codes "${1:-}"
}
