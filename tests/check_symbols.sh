#!/usr/bin/env bash
# No two of our libraries define one name: a program that links both would get whichever the linker met first.
# Usage: check_symbols.sh LIBRARY.a...      exit code 1 and one line per name
set -eu -o pipefail

for library in "$@"; do
    nm -g --defined-only "$library" 2>/dev/null | awk -v library="${library##*/}" '$2 ~ /^[TDBR]$/ { print $3, library }'
done | sort -u | awk '
    { libraries[$1] = libraries[$1] " " $2; count[$1]++; names++ }
    END {
        for (name in count) {
            if (count[name] > 1) {
                print name " is defined in" libraries[name]
                wrong = 1
            }
        }
        if (names < 100) {
            print "only " names + 0 " names were seen: is nm there, and are these libraries?"
            wrong = 1
        }
        exit wrong
    }'
