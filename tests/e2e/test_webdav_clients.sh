#!/usr/bin/env bash
# Clients that others wrote, on the WebDAV gateway over the file system in memory: litmus, cadaver, davfs2.
# MOORING_BIN is the folder of the programs; serve_memfs is in tests/ beside it.
set -u
MOORING_BIN=${MOORING_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/linux/bin}
for tool in litmus cadaver curl; do
    command -v $tool >/dev/null || {
        echo "SKIP: $tool is not installed"
        exit 77
    }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/mooring-dav-XXXXXX")
server=

end() {
    local code=$?
    mountpoint -q "$work/mnt" && umount "$work/mnt"
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server"
    rm -rf "$work"
    exit $code
}
trap end EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAIL webdav_clients: $*"
    exit 1
}
pass() {
    echo "ok   $*"
}

"$MOORING_BIN/../tests/serve_memfs" "$work/private" --max-seconds 1500 >"$work/url" 2>"$work/errors" &
server=$!
for _ in $(seq 1200); do
    [ -s "$work/url" ] && break
    sleep 0.1
done
url=$(cat "$work/url")
[ -n "$url" ] || fail "the server does not start: $(cat "$work/errors")"
library=${url}t/site/Documents/
password=$(cat "$work/private/webdav-password")
mkdir "$work/home" "$work/mnt" "$work/cache" "$work/litmus"
export HOME=$work/home

for suite in basic copymove props locks http; do
    (cd "$work/litmus" && TESTS=$suite litmus "$library" mooring "$password") >"$work/litmus/$suite" 2>&1
    grep -E 'FAIL|WARNING|SKIPPED' "$work/litmus/$suite" && fail "litmus $suite complains"
    grep -q ' 0 failed' "$work/litmus/$suite" || fail "litmus $suite: $(tail -n 3 "$work/litmus/$suite")"
    pass "litmus $suite: $(sed -n 's/.*of \(.*\) tests run.*/\1/p' "$work/litmus/$suite") tests"
done

# cadaver reads the password from .netrc
printf 'machine 127.0.0.1\nlogin mooring\npassword %s\n' "$password" >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
head -c 200000 /dev/urandom >"$work/one"
(cd "$work" && cadaver "$library" >"$work/cadaver" 2>&1 <<'COMMANDS'
mkcol from-cadaver
cd from-cadaver
put one one.bin
copy one.bin two.bin
move two.bin three.bin
lock one.bin
unlock one.bin
propset one.bin colour green
propget one.bin colour
ls
get three.bin back
quit
COMMANDS
)
cmp -s "$work/one" "$work/back" || fail "cadaver: $(cat "$work/cadaver")"
grep -q green "$work/cadaver" || fail "cadaver lost a property: $(cat "$work/cadaver")"
grep -qi 'failed' "$work/cadaver" && fail "cadaver: $(cat "$work/cadaver")"
pass "cadaver makes, copies, moves, locks, and gets back what it put"

# gvfs, as GNOME's file manager mounts it: needs a session bus, and its own daemon
if command -v gio >/dev/null && command -v dbus-run-session >/dev/null && [ -x /usr/libexec/gvfsd-dav ]; then
    cat >"$work/in-bus.sh" <<'SCRIPT'
set -eu
work=$1 uri=$2
gio mount "$uri" <"$work/answers" >/dev/null
gio mkdir "$uri/from-gvfs"
gio copy "$work/one" "$uri/from-gvfs/one.bin"
gio rename "$uri/from-gvfs/one.bin" "renamed.bin" >/dev/null
gio list "$uri/from-gvfs" >"$work/gvfs-list"
gio copy "$uri/from-gvfs/renamed.bin" "$work/from-gvfs"
gio remove "$uri/from-gvfs/renamed.bin"
gio mount -u "$uri"
SCRIPT
    printf 'mooring\n%s\n' "$password" >"$work/answers"
    dav=dav://mooring@${library#http://}
    timeout 300 dbus-run-session -- bash "$work/in-bus.sh" "$work" "${dav%/}" >"$work/gvfs" 2>&1 ||
        fail "gvfs: $(tail -n 5 "$work/gvfs")"
    cmp -s "$work/one" "$work/from-gvfs" || fail "gvfs gives other bytes"
    [ "$(cat "$work/gvfs-list")" = renamed.bin ] || fail "gvfs lists $(cat "$work/gvfs-list")"
    pass "gvfs mounts it, makes, renames, lists, reads and deletes"
else
    echo "skip gvfs: gio, dbus-run-session or gvfsd-dav (package gvfs-backends) is not installed"
fi

# davfs2 takes its system-wide files, and mounts, only from root; both stay in a name space of this test
if ! command -v mount.davfs >/dev/null || [ "$(id -u)" != 0 ] || [ ! -c /dev/fuse ]; then
    echo "skip davfs2: it is not installed, or we are not root"
    exit 0
fi
printf '%s mooring %s\n' "$library" "$password" >"$work/secrets"
printf 'dav_user root\ndav_group root\ncache_dir %s\nask_auth 0\ndelay_upload 0\n' "$work/cache" >"$work/conf"
chmod 600 "$work/secrets"
for folder in $(seq 20); do
    mkdir -p "$work/tree/folder $folder"
    for file in $(seq 100); do
        echo "content $folder $file" >"$work/tree/folder $folder/file $file.txt"
    done
done
cat >"$work/in-mount.sh" <<'SCRIPT'
set -eu
work=$1 library=$2
mount --bind "$work/conf" /etc/davfs2/davfs2.conf
mount --bind "$work/secrets" /etc/davfs2/secrets
mount.davfs "$library" "$work/mnt"
cp -r "$work/tree" "$work/mnt/"
umount "$work/mnt"
rm -rf "$work/cache"/*
mount.davfs "$library" "$work/mnt"
trap 'umount "$work/mnt"' EXIT
# davfs2 1.6.1 cannot list a folder on new kernels (EINVAL, with any server): files are found by name then
if ls "$work/mnt" >/dev/null 2>"$work/listing"; then
    diff -r "$work/tree" "$work/mnt/tree"
else
    echo "skip listing by davfs2: $(cat "$work/listing") (a defect of davfs2 on this kernel)"
fi
cd "$work/tree"
find . -type f -exec sha256sum {} + >"$work/sums"
cd "$work/mnt/tree"
sha256sum --quiet -c "$work/sums"
cd "$work"
mv "$work/mnt/tree/folder 1/file 1.txt" "$work/mnt/tree/moved.txt"
rm "$work/mnt/tree/folder 2/file 2.txt"
SCRIPT
timeout 400 unshare -m bash "$work/in-mount.sh" "$work" "$library" >"$work/davfs" 2>&1 || fail "davfs2: $(tail -n 5 "$work/davfs")"
printf 'user = "mooring:%s"\n' "$password" >"$work/curlrc"
code() { curl -sS -K "$work/curlrc" --max-time 120 -o /dev/null -w '%{http_code}' "$@"; }
[ "$(code "${library}tree/moved.txt")" = 200 ] || fail "davfs2: the move did not arrive"
[ "$(code "${library}tree/folder%202/file%202.txt")" = 404 ] || fail "davfs2: the delete did not arrive"
[ "$(curl -sS -K "$work/curlrc" --max-time 120 -X PROPFIND -H 'Depth: 1' "${library}tree/folder%203/" | grep -c '<D:href>')" = 101 ] ||
    fail "davfs2: files are missing"
grep '^skip' "$work/davfs"
pass "davfs2 takes a tree of 2,000 files and gives it back"

# Where /etc/fstab has a line for the gateway, it mounts itself, and takes the mount away at its end.
mkdir "$work/auto"
cat >"$work/self-mounted.sh" <<'SCRIPT'
set -eu
work=$1 port=$2 program=$3
mount --bind "$work/conf" /etc/davfs2/davfs2.conf
mount --bind "$work/secrets" /etc/davfs2/secrets
mount --bind "$work/fstab" /etc/fstab
rm -f "$work/url2"
"$program" "$work/private" --port "$port" --max-seconds 600 >"$work/url2" &
server=$!
for _ in $(seq 1200); do
    mountpoint -q "$work/auto" && break
    [ -s "$work/url2" ] || kill -0 $server || exit 3 # somebody else has the port
    sleep 0.1
done
mountpoint "$work/auto"
echo "through the mount" >"$work/auto/t/site/Documents/file.txt"
grep -q "through the mount" "$work/auto/t/site/Documents/file.txt"
kill -TERM $server
wait $server
if mountpoint "$work/auto"; then exit 1; fi
SCRIPT
# A port that was free a moment ago; until the server has it, another test may take it.
code=3
for _ in $(seq 20); do
    port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    printf 'http://127.0.0.1:%s/ %s davfs user,noauto 0 0\n' "$port" "$work/auto" >"$work/fstab"
    printf 'http://127.0.0.1:%s/ mooring %s\n' "$port" "$password" >"$work/secrets"
    timeout 300 unshare -m bash "$work/self-mounted.sh" "$work" "$port" "$MOORING_BIN/../tests/serve_memfs" >"$work/self" 2>&1
    code=$?
    [ $code = 3 ] || break
done
[ $code = 0 ] || fail "mounting itself: $(tail -n 5 "$work/self")"
pass "mounted by its line in fstab, and unmounted at the end"
