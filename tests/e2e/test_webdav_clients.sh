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

"$MOORING_BIN/../tests/serve_memfs" "$work/private" --max-seconds 280 >"$work/url" 2>"$work/errors" &
server=$!
for _ in $(seq 100); do
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
if ls "$work/mnt" >/dev/null 2>&1; then diff -r "$work/tree" "$work/mnt/tree"; fi
cd "$work/tree"
find . -type f | while read -r file; do cmp "$file" "$work/mnt/tree/$file"; done
mv "$work/mnt/tree/folder 1/file 1.txt" "$work/mnt/tree/moved.txt"
rm "$work/mnt/tree/folder 2/file 2.txt"
SCRIPT
timeout 200 unshare -m bash "$work/in-mount.sh" "$work" "$library" >"$work/davfs" 2>&1 || fail "davfs2: $(tail -n 5 "$work/davfs")"
printf 'user = "mooring:%s"\n' "$password" >"$work/curlrc"
code() { curl -sS -K "$work/curlrc" --max-time 30 -o /dev/null -w '%{http_code}' "$@"; }
[ "$(code "${library}tree/moved.txt")" = 200 ] || fail "davfs2: the move did not arrive"
[ "$(code "${library}tree/folder%202/file%202.txt")" = 404 ] || fail "davfs2: the delete did not arrive"
[ "$(curl -sS -K "$work/curlrc" --max-time 30 -X PROPFIND -H 'Depth: 1' "${library}tree/folder%203/" | grep -c '<D:href>')" = 101 ] ||
    fail "davfs2: files are missing"
pass "davfs2 takes a tree of 2,000 files and gives it back"
