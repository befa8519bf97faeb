#!/usr/bin/env bash
# The linters, one by name: tests/lint.sh format|cppcheck|tidy|shell BUILD_DIRECTORY
# tidy needs the compile_commands.json of a configured build directory.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${2:-build/linux}
list() { git ls-files -co --exclude-standard -- "$@" | while read -r name; do [ -e "$name" ] && echo "$name"; done; }

case ${1:-} in
format)
    list '*.c' '*.h' | xargs clang-format --dry-run -Werror
    ;;
cppcheck)
    cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability,performance \
        --suppress=missingIncludeSystem --suppress=missingInclude --suppress=normalCheckLevelMaxBranches \
        -j "$(nproc)" -D__GNUC__ -I base/include -I policy/include -I transport/include -I mapper/include -I admx/include \
        --file-list=<(list 'base/*.c' 'policy/*.c' 'transport/*.c' 'mapper/*.c' 'admx/*.c' 'agent/*.c')
    ;;
tidy)
    # win32/ and the provider are for other headers than those of this build; cppcheck and the Windows builds read them
    list 'base/*.c' 'policy/*.c' 'transport/*.c' 'mapper/*.c' 'admx/*.c' 'agent/*.c' | grep -v -e /win32/ -e /np/provider/ |
        xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" 2>/dev/null
    ;;
shell)
    list '*.sh' .ci/run | xargs shellcheck -S warning -e SC1091,SC2154,SC2034
    ;;
*)
    sed -n '2,3p' "$0" >&2
    exit 2
    ;;
esac
