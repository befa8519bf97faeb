#!/usr/bin/env bash
# Runs a Windows program under Wine as if it were one of ours; ctest calls it for every test of the windows presets.
#
#   tests/wine/run.sh PROGRAM.exe [ARGUMENT...]
#   tests/wine/run.sh --can-run x86_64|i686|aarch64    0, or says why not
#
# The prefix lies beside the build (or in $MOORING_WINEPREFIX), so nothing of the user is touched, and its server stays
# for a minute after the last program, because starting it takes longer than most tests. Wine says 0 for a program
# that it could not run at all, so a test program must also have reported its tests.
set -u

can_run() {
    case $1 in
    x86_64) [ -x /usr/lib/wine/wine64 ] && return 0 || echo "programs for x86_64 cannot run: there is no 64-bit Wine" ;;
    i686) [ -x /usr/lib/wine/wine ] && return 0 || echo "programs for i686 cannot run: there is no 32-bit Wine (wine32:i386)" ;;
    *) echo "programs for $1 cannot run: Wine emulates no other processor" ;;
    esac
    return 1
}
if [ "$1" = --can-run ]; then
    can_run "$2"
    exit
fi

# For which processor: the word behind "PE" in the header.
program=$1
header=$(od -An -tu4 -j60 -N4 "$program" | tr -d ' ')
case $(od -An -tx2 -j$((header + 4)) -N2 "$program" | tr -d ' ') in
8664) arch=x86_64 ;;
014c) arch=i686 ;;
aa64) arch=aarch64 ;;
*) arch="an unknown processor" ;;
esac
can_run "$arch" || exit 77

build=$(cd "$(dirname "$program")/.." && pwd)
export WINEPREFIX=${MOORING_WINEPREFIX:-$build/wine}
export WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES='mscoree,mshtml=;winemenubuilder.exe=d'
unset DISPLAY WAYLAND_DISPLAY
# A display that a test made for itself. Its prefix must be its own: the desktop is made once for each server of Wine.
if [ -n "${MOORING_DISPLAY:-}" ]; then
    export DISPLAY=$MOORING_DISPLAY
fi

# One of many at once makes the prefix. wineboot leaves its server running.
mkdir -p "$WINEPREFIX"
(
    flock 9
    if [ ! -e "$WINEPREFIX/.ready" ]; then
        if ! timeout 500 wine wineboot -i </dev/null >"$WINEPREFIX/wineboot.log" 2>&1 ||
            ! timeout 200 wineserver -w || [ ! -e "$WINEPREFIX/system.reg" ]; then
            cat "$WINEPREFIX/wineboot.log" >&2
            echo "Wine could not make its prefix $WINEPREFIX" >&2
            exit 1
        fi
        touch "$WINEPREFIX/.ready"
    fi
    # The services that come with a server belong to its first program and write where that one writes, also what they
    # say when they fall over. So the first is none of ours, and nothing of ours is open in any of them: whoever waits for
    # the end of our output would wait for theirs.
    if wineserver -p60 9>&- </dev/null >/dev/null 2>&1; then # one that runs already says so
        timeout 300 wine cmd /c exit 9>&- </dev/null >>"$WINEPREFIX/services.log" 2>&1 || true # the program itself will say
    fi
) 9>"$WINEPREFIX/.lock" || exit 1

case $program in
*/tests/test_*.exe)
    output=$(mktemp)
    trap 'rm -f "$output"' EXIT
    wine "$@" </dev/null >"$output" 2>&1
    code=$?
    tr -d '\r' <"$output"
    if [ $code -eq 0 ] && ! grep -aqE '^\[  PASSED  \] [1-9][0-9]* test|, 0 failed' "$output"; then
        echo "the program ended with 0 and reported no test: Wine could not run it" >&2
        exit 1
    fi
    exit $code
    ;;
*) exec wine "$@" ;;
esac
