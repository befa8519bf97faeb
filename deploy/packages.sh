#!/usr/bin/env bash
# The Debian 12 packages that Mooring needs. One list, for the demo, the tests and CI.
#
#   deploy/packages.sh build    to build and run (demo)
#   deploy/packages.sh test     to run all tests too
#   deploy/packages.sh windows  to build the Windows programs, and to run their tests under Wine
#   deploy/packages.sh --print build|test|windows
set -eu

build=(gcc libc6-dev cmake ninja-build pkg-config
    libcurl4-openssl-dev libssl-dev libcjson-dev libyaml-dev libsqlite3-dev libmicrohttpd-dev
    libexpat1-dev libfuse3-dev fuse3 ca-certificates python3)

# What the checks, the peers and the proofs need: linters, cmocka, rclone, nghttpx, schemas, Samba's library, namespaces.
test=(libcmocka-dev clang clang-format clang-tidy cppcheck shellcheck libnghttp2-dev nghttp2-proxy rclone fio curl jq openssl
    python3-jsonschema python3-yaml python3-samba libxml2-utils util-linux iproute2 attr procps git litmus davfs2 cadaver
    gvfs-backends libglib2.0-bin dbus chromium)

# The cross compilers, what unpacks and builds Debian's source packages (deploy/cmake/deps.sh), Wine, and what makes and
# signs the MSI.
windows=(gcc-mingw-w64-x86-64-posix g++-mingw-w64-x86-64-posix gcc-mingw-w64-i686-posix g++-mingw-w64-i686-posix
    clang clang-14 lld-14 llvm-14 dpkg-dev make patch perl tcl xz-utils bzip2 util-linux wine wine64 xvfb
    wixl msitools osslsigncode openssl)

print=
if [ "${1:-}" = --print ]; then
    print=yes
    shift
fi
case "${1:-}" in
build) packages=("${build[@]}") ;;
test) packages=("${build[@]}" "${test[@]}") ;;
windows) packages=("${build[@]}" "${windows[@]}") ;;
*)
    sed -n '2,7p' "$0" >&2
    exit 2
    ;;
esac
if [ -n "$print" ]; then
    printf '%s\n' "${packages[@]}"
    exit 0
fi

# A mirror that stumbles is asked again, and another apt (a machine that has just started updates itself) is waited for.
apt=(apt-get -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300)

# A 32-bit Wine needs the packages of another architecture, which a mirror may not have in step. Without it the
# programs for i686 are built and looked at, and not run.
try_wine32() {
    if [ -x /usr/lib/wine/wine ]; then
        return
    fi
    local added="" why
    if ! dpkg --print-foreign-architectures | grep -qx i386; then
        $as_root dpkg --add-architecture i386
        added=yes
    fi
    if ! why=$({ $as_root "${apt[@]}" update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y -qq --no-install-recommends wine32:i386; } 2>&1); then
        echo "there is no 32-bit Wine to be had here: $(grep -m 1 -E 'E: |Depends:' <<<"$why")"
        if [ -n "$added" ]; then
            $as_root dpkg --remove-architecture i386
            $as_root "${apt[@]}" update -qq || true
        fi
    fi
}

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
fi
if [ ${#missing[@]} -eq 0 ]; then
    if [ "${1:-}" = windows ] && { [ -z "$as_root" ] || command -v sudo >/dev/null; }; then
        try_wine32
    fi
    exit 0
fi

if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
    echo "these packages are missing, and only root can install them: ${missing[*]}" >&2
    exit 1
fi
echo "installing ${missing[*]}"
# A mirror in the middle of its own update has lists that do not fit for a while.
for try in 1 2 3 4; do
    $as_root "${apt[@]}" update -qq || echo "the lists of packages could not be renewed"
    if $as_root env DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" \
        >/dev/null; then
        break
    elif [ $try = 4 ]; then
        exit 1
    fi
    sleep 30
done
if [ "${1:-}" = windows ]; then
    try_wine32
fi
