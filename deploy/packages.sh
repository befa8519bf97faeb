#!/usr/bin/env bash
# The Debian 12 packages that Mooring needs. One list, for the demo, the tests and CI.
#
#   deploy/packages.sh build    to build and run (demo)
#   deploy/packages.sh test     to run all tests too
#   deploy/packages.sh --print build|test
set -eu

build=(gcc libc6-dev cmake ninja-build pkg-config
    libcurl4-openssl-dev libssl-dev libcjson-dev libyaml-dev libsqlite3-dev libmicrohttpd-dev
    libfuse3-dev fuse3 ca-certificates python3)

# What the checks, the peers and the proofs need: linters, cmocka, rclone, nghttpx, schemas, namespaces.
test=(libcmocka-dev clang clang-format clang-tidy cppcheck shellcheck libnghttp2-dev nghttp2-proxy rclone curl jq
    python3-jsonschema python3-yaml util-linux iproute2 attr procps git)

print=
if [ "${1:-}" = --print ]; then
    print=yes
    shift
fi
case "${1:-}" in
build) packages=("${build[@]}") ;;
test) packages=("${build[@]}" "${test[@]}") ;;
*)
    sed -n '2,6p' "$0" >&2
    exit 2
    ;;
esac
if [ -n "$print" ]; then
    printf '%s\n' "${packages[@]}"
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "these packages are missing, and only root can install them: ${missing[*]}" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "installing ${missing[*]}"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
