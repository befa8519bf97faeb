#!/usr/bin/env bash
# The WebDAV gateway beside `rclone serve webdav`, by the same client (curl) on the same tree: a listing, small files, large
# ones, memory. No time is asserted.
#
#   webdav.sh [--smoke] [--runs N] [--output FILE]
#
# What is compared: the gateway keeps its files in memory (serve_memfs), rclone in a folder of a tmpfs, so that neither waits
# for a disk; rclone has its VFS cache off, which is its default. Both ask for a password. Exit code 77: rclone or curl is not
# here. MOORING_BIN is the folder of the programs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
MOORING_BIN=${MOORING_BIN:-$(cd "$here/../.." && pwd)/build/linux/bin}
for tool in rclone curl jq; do
    command -v $tool >/dev/null || { echo "SKIP: $tool is not installed"; exit 77; }
done
entries=10000 small=300 megabytes=300 runs=3 output=
while [ $# -gt 0 ]; do
    case $1 in
    --smoke) entries=100 small=10 megabytes=3 runs=1 ;;
    --runs) runs=${2:?number} && shift ;;
    --output) output=${2:?file} && shift ;;
    *) sed -n '5,5p' "$0" && exit 2 ;;
    esac
    shift
done

[ -d /dev/shm ] && [ -w /dev/shm ] && memory=/dev/shm || memory=${TMPDIR:-/tmp}
work=$(mktemp -d "$memory/mooring-bench-XXXXXX")
pids=()
end() {
    local code=$?
    [ ${#pids[@]} = 0 ] || { kill "${pids[@]}" && wait; } 2>/dev/null
    rm -rf "$work"
    exit $code
}
trap end EXIT
trap 'exit 1' INT TERM

# --- the two servers ---------------------------------------------------------------------------------------------------
mkdir -p "$work/tree/many"
for i in $(seq 0 $((entries - 1))); do : >"$work/tree/many/file number $i.docx"; done
"$MOORING_BIN/../tests/serve_memfs" "$work/private" --entries "$entries" --max-seconds 1200 >"$work/url" 2>"$work/errors" &
pids+=($!)
gateway_pid=$!
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
RCLONE_USER=mooring RCLONE_PASS=secret rclone serve webdav --config /dev/null --addr "127.0.0.1:$port" "$work/tree" \
    >"$work/rclone" 2>&1 &
pids+=($!)
rclone_pid=$!
for _ in $(seq 300); do
    [ -s "$work/url" ] && curl -s -o /dev/null "http://127.0.0.1:$port/" && break
    sleep 0.1
done
[ -s "$work/url" ] || { echo "the gateway does not start: $(cat "$work/errors")"; exit 1; }
printf 'user = "mooring:%s"\n' "$(cat "$work/private/webdav-password")" >"$work/curl.gateway"
printf 'user = "mooring:secret"\n' >"$work/curl.peer"

# --- the measurements --------------------------------------------------------------------------------------------------
dd if=/dev/urandom of="$work/large" bs=1M count="$megabytes" status=none
head -c 4096 /dev/urandom >"$work/small"
sample() { # sample ROW COMMAND...: how long it took
    local row=$1 begin=$EPOCHREALTIME
    shift
    "$@" || { echo "failed on $who: $*" >&2; exit 1; }
    awk -v row="$row" -v who="$who" -v from="$begin" -v to="$EPOCHREALTIME" \
        'BEGIN { printf "%s %s %.4f\n", row, who, to - from }' >>"$work/samples"
}
url_of() { if [ "$1" = gateway ]; then echo "$(cat "$work/url")t/site/Documents/"; else echo "http://127.0.0.1:$port/"; fi; }
pid_of() { if [ "$1" = gateway ]; then echo "$gateway_pid"; else echo "$rclone_pid"; fi; }
dav() { curl -sS --fail -K "$work/curl.$who" "$@"; }
list() { dav -X PROPFIND -H 'Depth: 1' -o "$work/listing" "$url$1" && grep -q 'number%20' "$work/listing"; }
put_small() { # one connection, as a client has it
    for i in $(seq "$small"); do printf 'upload-file = "%s"\nurl = "%ssmall/%s-%s.bin"\noutput = "/dev/null"\n' "$work/small" "$url" "$1" "$i"; done >"$work/many"
    dav -K "$work/many"
}
put_large() { dav -T "$work/large" -o /dev/null "${url}large-$1.bin"; }
get_large() { dav -o "$work/back" "${url}large-$1.bin" && cmp -s "$work/back" "$work/large"; }
field_kb() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$(pid_of "$1")/status"; }
list_and_weigh() { # the most memory in a listing, beyond what there was before it
    local before
    echo 5 >"/proc/$(pid_of "$who")/clear_refs"
    before=$(field_kb "$who" VmRSS)
    list many/ || return 1
    echo "memory $who $(($(field_kb "$who" VmHWM) - before))" >>"$work/samples"
}

: >"$work/samples"
for who in gateway peer; do
    url=$(url_of $who)
    dav -X MKCOL -o /dev/null "${url}small/" || exit 1
    list_and_weigh || exit 1
done
for run in $(seq "$runs"); do
    for who in gateway peer; do
        url=$(url_of $who)
        sample listing list many/
        sample small put_small "$run"
        sample in put_large "$run"
        sample out get_large "$run"
        dav -X DELETE -o /dev/null "${url}large-$run.bin"
    done
done

# --- the table ---------------------------------------------------------------------------------------------------------
table() {
    echo "| | gateway | rclone serve webdav | ratio |"
    echo "|---|---|---|---|"
    awk -v entries="$entries" -v small="$small" -v mb="$megabytes" '
        { n[$1, $2]++; all[$1, $2, n[$1, $2]] = $3 }
        function median(row, who,   i, j, t, c) {
            c = n[row, who]
            for (i = 1; i <= c; i++) a[i] = all[row, who, i]
            for (i = 1; i <= c; i++) for (j = i + 1; j <= c; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t }
            return a[int((c + 1) / 2)]
        }
        function line(title, row, unit, by,   g, p) {
            g = median(row, "gateway") / by; p = median(row, "peer") / by
            printf "| %s | %.2f %s | %.2f %s | %.2f |\n", title, g, unit, p, unit, p ? g / p : 0
        }
        END {
            line("listing of " entries " entries", "listing", "s", 1)
            line(small " files of 4 kB in", "small", "s", 1)
            line(mb " MB in", "in", "s", 1)
            line(mb " MB out", "out", "s", 1)
            line("memory that a listing takes", "memory", "MB", 1024)
        }' "$work/samples"
}
if [ -n "$output" ]; then table | tee "$output"; else table; fi
