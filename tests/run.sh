#!/usr/bin/env bash
# Runs every test: installs what it needs, builds the release, ASan+UBSan and TSan programs, and those for Windows,
# and ends with ctest's line.
#
#   tests/run.sh              everything (what CI runs)
#   tests/run.sh --quick      the release build only, without the slow rows (label big) and the linters
#   tests/run.sh --no-install do not touch packages
set -u
cd "$(dirname "$0")/.." || exit 1

quick=
install=yes
for option in "$@"; do
    case $option in
    --quick) quick=yes ;;
    --no-install) install= ;;
    --help)
        sed -n '2,7s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
done

if [ -n "$install" ]; then
    deploy/packages.sh test || exit 1
    if [ -z "$quick" ]; then
        deploy/packages.sh windows || exit 1
    fi
fi

# The system's python3 has the packages that we install; another one in front of it may not.
export PATH="/usr/bin:$PATH"
jobs=$(nproc)
failed=0

build() {
    cmake --preset "$1" >"build/$1.log" 2>&1 && cmake --build --preset "$1" -j "$jobs" >>"build/$1.log" 2>&1 || {
        tail -n 60 "build/$1.log"
        echo "the build '$1' failed: build/$1.log" >&2
        return 1
    }
}

# check NAME [ctest options]: one build directory's tests; a failure is remembered, the others still run.
check() {
    preset=$1
    shift
    echo "== $preset =="
    ctest --test-dir "build/$preset" --output-on-failure -j "$jobs" "$@" || failed=1
}

mkdir -p build
build linux || exit 1
if [ -n "$quick" ]; then
    check linux -LE 'big|lint'
    exit $failed
fi

build linux-asan || exit 1
build linux-tsan || exit 1
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=0:exitcode=66:second_deadlock_stack=1
check linux-asan -LE 'big|lint|check|peer'
check linux-tsan -LE 'big|lint|check|peer'

# The Windows programs. Wine runs those of x86_64, and of i686 where there is a 32-bit Wine; the others are looked at.
# All are built first: the MSI for x86_64 carries a DLL of i686.
for arch in x86_64 i686 aarch64; do
    deploy/cmake/deps.sh $arch || exit 1
    build windows-$arch || exit 1
done
for arch in x86_64 i686 aarch64; do
    if tests/wine/run.sh --can-run $arch; then
        # The first program makes Wine's prefix, which takes longer than a test may.
        tests/wine/run.sh build/windows-$arch/bin/mooring.exe --version || failed=1
        check windows-$arch -LE stress
    else
        check windows-$arch -L check
    fi
done
check linux
exit $failed
