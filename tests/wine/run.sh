#!/usr/bin/env bash
# Runs a Windows program under Wine as if it were one of ours; ctest calls it for every test of the windows presets.
#
#   tests/wine/run.sh PROGRAM.exe [ARGUMENT...]
#
# The prefix lies beside the build (or in $MOORING_WINEPREFIX), so nothing of the user is touched, and its server stays
# for a minute after the last program, because starting it takes longer than most tests. Wine says 0 for a program
# that it could not run at all, so a test program must also have reported its tests.
set -u
program=$1
build=$(cd "$(dirname "$program")/.." && pwd)
export WINEPREFIX=${MOORING_WINEPREFIX:-$build/wine}
export WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES='mscoree,mshtml=;winemenubuilder.exe=d'
unset DISPLAY WAYLAND_DISPLAY

# One of many at once makes the prefix. wineboot leaves its server running.
mkdir -p "$WINEPREFIX"
(
    flock 9
    if [ ! -e "$WINEPREFIX/.ready" ]; then
        if ! timeout 180 wine wineboot -i </dev/null >"$WINEPREFIX/wineboot.log" 2>&1 ||
            ! timeout 60 wineserver -w || [ ! -e "$WINEPREFIX/system.reg" ]; then
            cat "$WINEPREFIX/wineboot.log" >&2
            echo "Wine could not make its prefix $WINEPREFIX" >&2
            exit 1
        fi
        touch "$WINEPREFIX/.ready"
    fi
    wineserver -p60 9>&- || true # one that runs already says so
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
