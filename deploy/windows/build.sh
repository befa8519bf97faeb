#!/usr/bin/env bash
# Builds the MSIs for Windows, in one command, on Debian 12:
#
#   deploy/windows/build.sh [OPTION...]
#
#   --arch ARCH          x86_64, i686 or aarch64; several times for several (default: all three)
#   --out FOLDER         where the packages go (default: build/msi)
#   --version A.B.C      of the product (default: that of CMakeLists.txt)
#   --no-install         does not touch Debian packages
#   --no-build           takes the programs that build/windows-* has already
#   --builds FOLDER      where windows-* are (default: build)
#   --certificate FILE --key FILE [--password-file FILE]
#                        signs programs and packages (PEM; the chain may follow the certificate)
#   --timestamp URL      asks this server for a time stamp with each signature, so that it outlives the certificate
#
# For each architecture FOLDER gets mooring-VERSION-ARCH.msi, .cdx.json (SBOM, CycloneDX) and -notices.txt (licences of
# what is linked), and once SHA256SUMS. The package for x86_64 and that for aarch64 carry the network provider for
# 32-bit programs too, which the build for i686 makes.
#
# The same sources, the same libraries (build/deps/*.versions) and the same home folder give the same bytes: times are
# those of the last commit, or SOURCE_DATE_EPOCH.
set -eu -o pipefail
self=$(realpath "$0")
cd "$(dirname "$self")/../.."

usage() { sed -n '2,22s/^# \{0,1\}//p' "$self"; }
die() {
    echo "build.sh: $*" >&2
    exit 1
}

archs=()
out=build/msi
builds=build
install=yes
build=yes
version=
certificate=
key=
password_file=
timestamp=
while [ $# -gt 0 ]; do
    case $1 in
    --help)
        usage
        exit 0
        ;;
    --no-install) install= ;;
    --no-build) build= ;;
    --arch | --out | --version | --builds | --certificate | --key | --password-file | --timestamp)
        [ $# -gt 1 ] || die "$1 needs a value"
        case $1 in
        --arch) archs+=("$2") ;;
        --out) out=$2 ;;
        --version) version=$2 ;;
        --builds) builds=$2 ;;
        --certificate) certificate=$2 ;;
        --key) key=$2 ;;
        --password-file) password_file=$2 ;;
        --timestamp) timestamp=$2 ;;
        esac
        shift
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    shift
done
[ ${#archs[@]} -gt 0 ] || archs=(x86_64 i686 aarch64)
for arch in "${archs[@]}"; do
    case $arch in x86_64 | i686 | aarch64) ;; *) die "there is no architecture '$arch'" ;; esac
done
{ [ -n "$certificate" ] && [ -n "$key" ]; } || [ -z "$certificate$key" ] || die "--certificate and --key go together"

program_version=$(sed -n 's/^project(mooring VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
version=${version:-$program_version}
mkdir -p "$out"
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "a version has three numbers: Windows ignores a fourth"
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CMakeLists.txt)
fi
export SOURCE_DATE_EPOCH

# The programs of $1; i686 is also wanted for its DLL alone.
make_programs() {
    local targets=(mooring mooring-agent mooringnp)
    if [ $# -gt 1 ]; then
        targets=("${@:2}")
    fi
    deploy/cmake/deps.sh "$1"
    cmake --preset "windows-$1" -B "$builds/windows-$1" >/dev/null
    cmake --build "$builds/windows-$1" --target "${targets[@]}"
}

strip_of() {
    case $1 in
    aarch64) echo llvm-strip-14 ;;
    *) echo "$1-w64-mingw32-strip" ;;
    esac
}

# sign FILE DESCRIPTION. The key is never on a command line, only its file.
sign() {
    local options=(-certs "$certificate" -key "$key" -n "$2" -h sha256)
    [ -n "$certificate" ] || return 0
    [ -z "$password_file" ] || options+=(-readpass "$password_file")
    if [ -n "$timestamp" ]; then
        options+=(-ts "$timestamp")
    else
        options+=(-time "$SOURCE_DATE_EPOCH")
    fi
    osslsigncode sign "${options[@]}" -in "$1" -out "$1.signed" >/dev/null || die "cannot sign $1"
    mv "$1.signed" "$1"
}

# put FOLDER ARCH NAME: a program without what only debuggers read, signed
put() {
    local from=$builds/windows-$2/bin/$3
    [ -f "$from" ] || die "there is no $from: build it first (cmake --preset windows-$2)"
    "$(strip_of "$2")" -o "$1/$3" "$from"
    chmod 0755 "$1/$3"
    sign "$1/$3" Mooring
}

package() {
    local arch=$1 name=$out/mooring-$version-$1 files=$work/$1
    mkdir -p "$files/x86"
    put "$files" "$arch" mooring.exe
    put "$files" "$arch" mooring-agent.exe
    if [ "$arch" != i686 ]; then
        put "$files" "$arch" mooringnp.dll
    fi
    put "$files/x86" i686 mooringnp.dll
    cp -r admx/out/Mooring.admx admx/out/en-US admx/out/de-DE "$files/"
    cp LICENSE "$files/LICENSE.txt"
    python3 deploy/windows/sbom.py notices --deps build/deps --arch "$arch" --out "$name-notices.txt"
    cp "$name-notices.txt" "$files/THIRD-PARTY-NOTICES.txt"
    python3 deploy/windows/msi.py --arch "$arch" --version "$version" --file-version "$program_version" \
        --files "$files" --out "$name.msi"
    sign "$name.msi" "Mooring $version"
    python3 deploy/windows/sbom.py sbom --deps build/deps --arch "$arch" --version "$version" --msi "$name.msi" \
        --out "$name.cdx.json"
    echo "$name.msi"
}

if [ -n "$install" ] && [ -n "$build" ]; then
    deploy/packages.sh windows
fi
export PATH="/usr/bin:$PATH" # the system's python3
if [ -n "$build" ]; then
    for arch in "${archs[@]}"; do
        make_programs "$arch"
    done
    case " ${archs[*]} " in *" i686 "*) ;; *) make_programs i686 mooringnp ;; esac
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/mooring-msi-XXXXXX")
trap 'rm -rf "$work"' EXIT
for arch in "${archs[@]}"; do
    package "$arch"
done
(cd "$out" && rm -f SHA256SUMS && sha256sum -- mooring-* >SHA256SUMS)
