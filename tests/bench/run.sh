#!/usr/bin/env bash
# The numbers of the product, each beside the one of a peer in the same run, on the same simulated tenant, 40 ms and 1 Gbit/s
# away: rclone mount, and curl with the bare requests. No time is asserted here; report.py compares ratios with the bars.
#
#   run.sh [--smoke] [--runs N] [--rows NAME,...] [--output FILE] [--samples FILE]
#
#   --smoke    tiny sizes and one run: shows that this works, says nothing about speed
#   --rows     some of: logon idle listing find memory sequential random copy save
#   --output   where the table goes besides the terminal (Markdown), and beside it the chart (.svg); without --smoke and
#              --rows: results.md here
#   --samples  keeps the measurements there; with --rows, these replace the ones of before, and the table shows all
#
# Everything runs in mount, network and process namespaces of its own, since rclone has fixed host names: see README.md. Exit code 77:
# this machine lets nobody make them, or has no rclone. MOORING_BIN is the folder of the programs.
here=$(cd "$(dirname "$0")" && pwd)
if [ "${BENCH_INSIDE:-}" != yes ]; then
    command -v rclone >/dev/null || { echo "SKIP: rclone is not installed"; exit 77; }
    flags=(--mount --net --pid --mount-proc --fork --kill-child) # nothing stays behind, whatever happens
    [ "$(id -u)" = 0 ] || flags=(--user --map-root-user "${flags[@]}")
    unshare "${flags[@]}" true 2>/dev/null || { echo "SKIP: unshare ${flags[*]} is not allowed here"; exit 77; }
    BENCH_INSIDE=yes exec unshare "${flags[@]}" "$here/run.sh" "$@"
fi

command_line="tests/bench/run.sh $*"
size=FULL runs=3 output='' kept='' rtt_ms=40 mbit=1000
all_rows=logon,idle,listing,find,memory,sequential,random,copy,save
rows=$all_rows
while [ $# -gt 0 ]; do
    case $1 in
    --smoke) size=SMOKE runs=1 rtt_ms=2 ;;
    --runs) runs=${2:?number} && shift ;;
    --rows) rows=${2:?names} && shift ;;
    --output) output=${2:?file} && shift ;;
    --samples) kept=${2:?file} && shift ;;
    *) sed -n '5,11p' "$0" && exit 2 ;;
    esac
    shift
done
if [ $size = SMOKE ]; then
    entries=60 found=62 visited=3000 reads=10 copies=10 idle_seconds=2 settle_seconds=2 library_count=10 megabytes=(3 7)
else
    entries=1000 found=7140 visited=100000 reads=100 copies=300 idle_seconds=60 settle_seconds=6 library_count=300
    megabytes=(100 600)
fi
if [ $size = FULL ] && [ "$rows" = $all_rows ]; then
    output=${output:-$here/results.md}
fi
[ "$runs" -ge 1 ] && [ "$runs" -le 5 ] || { echo "1 to 5 runs" >&2; exit 2; }

# shellcheck source=../e2e/lib.sh
. "$here/../e2e/lib.sh"
export MOORING_BIN # measure.py asks the tenant, too
e2e_begin bench
# ext4 looks at each inode that was freed in the last minutes when it makes a file, and a run frees thousands: folders of this
# run begin where none was. For Mooring and for its peers; other file systems have no such flag.
chattr +T "$work" 2>/dev/null
samples=$work/samples
: >"$samples"
rclone_pid=
bench_end() {
    local code=$?
    rclone_end
    (exit $code)
    e2e_end
}
trap bench_end EXIT

# --- the world ---------------------------------------------------------------------------------------------------------
ip link set lo up
printf '127.0.0.1 localhost login.microsoftonline.com graph.microsoft.com %s\n' \
    'contoso.sharepoint.com contoso-my.sharepoint.com' >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

wants() { case ,$rows, in *,$1,*) true ;; *) false ;; esac }
say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
measure() { python3 "$here/measure.py" "$@"; }

# sample ROW WHO VALUE
sample() {
    [ -n "$3" ] || fail "$1: $2 gave no number"
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$samples"
    say "$1: $2 $3"
}

# log_of WHO: what WHO asked of the tenant since its log was cleared. By the name that a program gives itself, since rclone's
# uploads go on after its close; measure.py's own preparations are nobody's.
log_of() {
    control requests | jq --arg who "$1" '[.requests[] | (.agent // "") as $agent | select(
        if $who == "mooring" then $agent | test("^(curl|rclone|bench)") | not else $agent | startswith($who) end)]'
}

sent() { log_of "$1" | jq '[.[] | select(.batch | not)] | length'; }

# timed ROW WHO MEASUREMENT...: how long it took, and what WHO asked of the tenant for it, in requests and in resource units (by
# the tenant's count; parts of a $batch are counted alone). What writes gives a second time, until all is on the server:
# ROW_all; then what settles later is counted, too.
timed() {
    local row=$1 who=$2 value all
    shift 2
    control clear-log >/dev/null
    value=$(measure "$@") || fail "$row: $who"
    read -r value all <<<"$value"
    sample "$row" "$who" "$value"
    if [ -n "$all" ]; then
        sample "${row}_all" "$who" "$all"
        sleep "$settle_seconds"
    fi
    sample "${row}_requests" "$who" "$(sent "$who")"
    sample "${row}_ru" "$who" "$(log_of "$who" | jq 'map(.ru) | add // 0')"
}

world_start() { # KIND of scenario
    measure scenario "$size" "$1" >"$work/$1.json" || fail "scenario $1"
    rm -rf "$work/tenant" "$work/state" "$work/cache"
    mkdir -p "$work/state" "$work/cache"
    tenant_start "$work/$1.json" --rtt-ms "$rtt_ms" --mbit "$mbit" --port 443 --max-seconds 7200 \
        --graph-url https://graph.microsoft.com --login-url https://login.microsoftonline.com \
        --content-url https://contoso.sharepoint.com
    # rclone sends its token along to the content host when it follows the redirect; the real one does not mind
    control switch '{"name":"content_accepts_authorization","value":true}' >/dev/null
    policy_write "Tenants: [contoso.onmicrosoft.com]" "WriteMode: Background" "RequestSoftLimit: 0" "BlockAboveMB: 0" "ReadOnlyAboveMB: 0"
    agent_start
    sign_in
}

agent_again() {
    [ -z "$agent_pid" ] || agent_stop
    agent_start
    until_true 60 "discovery" discovered
}

discovered() { [ "$(status '[.accounts[] | select(.discovered)] | length')" = 1 ]; }
memory_kib() { awk -v key="$2:" '$1 == key {print $2}' "/proc/$1/status"; }
drive_id() { control libraries '{}' | jq -r ".libraries[] | select(.path == \"/sites/$1\") | .id"; }

token_for_curl() {
    BENCH_TOKEN=$(control mint '{"user":"ana","client_id":"11111111-2222-4333-8444-555555555555","scope":"Files.ReadWrite.All Sites.Read.All","seconds":7200}' |
        jq -r .access_token)
    export BENCH_TOKEN BENCH_GRAPH=$graph_url BENCH_CA=$ca_file
}

# --- rclone ------------------------------------------------------------------------------------------------------------
rclone_start() { # SITE/LIBRARY: mounts it at $work/rclone
    local library=$1 refresh
    control signin '{"accept_client_secret":true}' >/dev/null
    refresh=$(control mint '{"user":"ana","client_id":"b15665d9-eda6-4092-8539-0eec376afd59","scope":"Files.ReadWrite.All Sites.Read.All"}' |
        jq -r .refresh_token)
    mkdir -p "$work/rclone"
    cat >"$work/rclone.conf" <<END
[bench]
type = onedrive
token = {"access_token":"stale","token_type":"Bearer","refresh_token":"$refresh","expiry":"2020-01-01T00:00:00Z"}
drive_id = $(drive_id "$library")
drive_type = documentLibrary
END
    rm -rf "$work/home/.cache"
    HOME="$work/home" XDG_CACHE_HOME="$work/home/.cache" XDG_CONFIG_HOME="$work/config" \
        rclone --config "$work/rclone.conf" --ca-cert "$ca_file" mount bench: "$work/rclone" --vfs-cache-mode full >>"$work/rclone.log" 2>&1 &
    rclone_pid=$!
    until_true 20 "rclone's mount" mountpoint -q "$work/rclone"
    ls "$work/rclone" >/dev/null || fail "rclone does not list"
}

rclone_end() {
    [ -n "$rclone_pid" ] || return 0
    kill "$rclone_pid" 2>/dev/null
    wait "$rclone_pid" 2>/dev/null
    rclone_pid=
    if mountpoint -q "$work/rclone"; then
        fusermount3 -uz "$work/rclone"
    fi
}

# --- rows --------------------------------------------------------------------------------------------------------------
all_mapped() { # without a look into OneDrive, which would be a request of ours
    [ "$(find "$root"/contoso/project-* -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" = "$library_count" ]
}

only_refresh_token() { # what a logon has on a machine that knows nothing else
    find "$work/state/mooring" -name 'state*' -delete
    python3 - "$work"/state/mooring/tokens/* <<'PY'
import json, sys
for path in sys.argv[1:]:
    try:
        data = json.load(open(path))
    except ValueError:
        continue
    kept = ("version", "refresh_token", "client_id", "tenant", "login_url", "scope")
    json.dump({k: v for k, v in data.items() if k in kept}, open(path, "w"))
PY
}

row_logon() {
    local run
    for ((run = 1; run <= runs; run++)); do
        agent_stop
        only_refresh_token
        control clear-log >/dev/null
        agent_start
        until_true 60 "discovery from the refresh token" discovered
        until_true 20 "all mappings" all_mapped
        control requests >"$work/log.json"
        sample cold_requests mooring "$(jq '[.requests[] | select(.batch | not)] | length' "$work/log.json")"
        sample cold_depth mooring "$(measure depth <"$work/log.json")"
        if wants idle; then
            row_idle
        fi
    done
    for ((run = 1; run <= runs; run++)); do
        agent_stop
        # so slow that no answer can have come: three seconds for each of the handshakes and for the answer
        control network '{"rtt_ms": 3000}' >/dev/null
        control clear-log >/dev/null
        agent_start
        until_true 20 "all mappings" all_mapped
        sample warm_answers mooring "$(sent mooring)"
        control network "{\"rtt_ms\": $rtt_ms}" >/dev/null
        sleep 10 # what is under way comes to its end, and into the log
    done
}

row_idle() { # Mooring with all mappings, rclone with one library: it has no more in a mount
    sleep 2 # what follows discovery has ended
    idles mooring "$agent_pid"
    rclone_start "project-001/Shared Documents"
    idles rclone "$rclone_pid"
    rclone_end
}

idles() { # WHO PID
    control clear-log >/dev/null
    sample idle_cpu "$1" "$(measure cpu "$2" "$idle_seconds")"
    sample idle_requests "$1" "$(sent "$1")"
    sample idle_anon "$1" "$(memory_kib "$2" RssAnon)"
    sample idle_rss "$1" "$(memory_kib "$2" VmRSS)"
}

row_listing() {
    local run drive
    drive=$(drive_id bench/Lists)
    rclone_start bench/Lists
    ls "$lib/Lists" >/dev/null || fail "the library does not list"
    for ((run = 1; run <= runs; run++)); do
        sleep 3 # so that nobody takes it for a walk, and lists the next one ahead
        timed listing mooring list "$lib/Lists/Thousand mooring $run" "$entries"
        timed listing curl curl-list "$drive" "Thousand curl $run" "$entries"
        timed listing rclone list "$work/rclone/Thousand rclone $run" "$entries"
        timed listing_again mooring list "$lib/Lists/Thousand mooring $run" "$entries"
        timed listing_again rclone list "$work/rclone/Thousand rclone $run" "$entries"
    done
    rclone_end
}

row_find() {
    local run drive
    drive=$(drive_id bench/Folders)
    for ((run = 1; run <= runs; run++)); do
        agent_again
        timed find mooring find "$lib/Folders" "$found"
        timed find curl curl-find "$drive" "$found"
        rclone_start bench/Folders
        timed find rclone find "$work/rclone" "$found"
        rclone_end
    done
}

row_memory() {
    local run items bytes drive
    drive=$(drive_id bench/Visited)
    for ((run = 1; run <= runs; run++)); do
        agent_again
        timed visit mooring find "$lib/Visited" "$visited"
        sleep 5 # for both: what only the walk itself needed is given back
        items=$(status .files.knownItems)
        bytes=$(status .files.knownItemsBytes)
        [ "$items" -ge "$visited" ] || fail "only $items of $visited items are known"
        sample item_bytes mooring "$(jq -n "$bytes / $items | floor")"
        sample visited_rss mooring "$(memory_kib "$agent_pid" VmRSS)"
        timed visit curl curl-find "$drive" "$visited"
        rclone_start bench/Visited
        timed visit rclone find "$work/rclone" "$visited"
        sleep 5
        sample visited_rss rclone "$(memory_kib "$rclone_pid" VmRSS)"
        rclone_end
    done
}

row_sequential() {
    local run mb drive
    drive=$(drive_id bench/Large)
    rclone_start bench/Large
    ls "$lib/Large" >/dev/null || fail "the library does not list"
    cat "$lib/Large/first.txt" "$work/rclone/first.txt" >/dev/null || fail "a first read"
    for mb in "${megabytes[@]}"; do
        for ((run = 1; run <= runs; run++)); do
            timed "read_$mb" mooring read "$lib/Large/$mb MB mooring $run.bin" "${mb}000000"
            timed "read_$mb" curl curl-read "$drive" "$mb MB curl $run.bin" "${mb}000000"
            timed "read_$mb" rclone read "$work/rclone/$mb MB rclone $run.bin" "${mb}000000"
        done
    done
    rclone_end
}

row_random() {
    local run drive
    drive=$(drive_id bench/Large)
    rclone_start bench/Large
    ls "$lib/Large" >/dev/null || fail "the library does not list"
    cat "$lib/Large/first.txt" "$work/rclone/first.txt" >/dev/null || fail "a first read"
    for ((run = 1; run <= runs; run++)); do
        timed random mooring random "$lib/Large/random mooring $run.bin" "$reads" "$run"
        timed random curl curl-random "$drive" "random curl $run.bin" "$reads" "$run"
        timed random rclone random "$work/rclone/random rclone $run.bin" "$reads" "$run"
    done
    rclone_end
}

row_copy() {
    local run n drive
    drive=$(drive_id bench/Inbox)
    mkdir "$work/small"
    for ((n = 0; n < copies; n++)); do
        head -c $((5000 + n * 37)) /dev/urandom >"$work/small/file $n.bin"
    done
    rclone_start bench/Inbox
    ls "$lib/Inbox" >/dev/null || fail "the library does not list"
    for ((run = 1; run <= runs; run++)); do
        timed copy mooring copy "$work/small" "$lib/Inbox/mooring $run" "$tenant_state" "mooring $run" "$copies"
        sample copy script "$(measure script-copy "$work/small" "$work/script $run")"
        expect "all are on the server" "$copies" "$(files_of "mooring $run")"
        mkdir "$lib/Inbox/curl $run" || fail "a folder for curl"
        timed copy curl curl-copy "$drive" "curl $run" "$work/small"
        expect "curl's too" "$copies" "$(files_of "curl $run")"
        timed copy rclone copy "$work/small" "$work/rclone/rclone $run" "$tenant_state" "rclone $run" "$copies"
        expect "rclone's too" "$copies" "$(files_of "rclone $run")"
    done
    rclone_end
}

row_save() {
    local run drive
    drive=$(drive_id bench/Inbox)
    rclone_start bench/Inbox
    for ((run = 1; run <= runs; run++)); do
        cat "$lib/Inbox/report mooring $run.docx" "$work/rclone/report rclone $run.docx" >/dev/null ||
            fail "a document" # which is open in Word has been read
        saves mooring word-save "$tenant_state" "$lib/Inbox"
        saves curl curl-save "$drive"
        saves rclone word-save "$tenant_state" "$work/rclone"
    done
    rclone_end
}

saves() { # WHO MEASUREMENT... that only lacks the file
    local who=$1 file="report $1 $run.docx" before versions
    shift
    sleep 1
    before=$(on_server "$file" .id)
    versions=$(on_server "$file" .versions)
    timed save "$who" "$@" "$file"
    sample save_uploads "$who" "$(log_of "$who" | jq '[.[] | select(.path | endswith("/createUploadSession") or
        endswith("/content")) | select(.method != "GET")] | length')"
    sample save_versions "$who" "$(($(on_server "$file" .versions) - versions))"
    sample save_other_ids "$who" "$([ "$(on_server "$file" .id)" = "$before" ] && echo 0 || echo 1)"
}

on_server() { control item "{\"library\":\"/sites/bench/Inbox\",\"path\":\"$1\"}" | jq -r "$2"; }

files_of() {
    control tree "{\"library\":\"/sites/bench/Inbox\",\"path\":\"$1\"}" | jq '[.items[] | select(.folder | not)] | length'
}

# --- all of it ---------------------------------------------------------------------------------------------------------
load=$(cut -d' ' -f1-3 /proc/loadavg)
if wants logon; then
    world_start logon
    row_logon
    agent_stop
    tenant_stop
fi
lib=$root/contoso/bench
other=
for row in listing find memory sequential random copy save; do
    wants $row && other="$other $row"
done
if [ -n "$other" ]; then
    world_start files
    token_for_curl
    for row in $other; do
        "row_$row"
    done
    agent_stop
    tenant_stop
fi
printf '#\t%s\t%s\n' "$command_line" "$(date -u '+%F %H:%M') UTC, load $load before, $(cut -d' ' -f1-3 /proc/loadavg) after" \
    >>"$samples"
if [ -n "$kept" ]; then
    touch "$kept"
    awk -F '\t' 'NR == FNR { if ($1 != "#") again[$1]; next } !($1 in again)' "$samples" "$kept" >"$work/kept"
    cat "$work/kept" "$samples" >"$kept"
    samples=$kept
fi
MOORING_VERSION=$("$MOORING_BIN/mooring" --version | head -n 1) python3 "$here/report.py" "$samples" "$work/chart" >"$work/table" ||
    fail "report"
cat "$work/table"
if [ -n "$output" ]; then
    cp "$work/table" "$output" && cp "$work/chart" "${output%.md}.svg" || fail "$output cannot be written"
fi
