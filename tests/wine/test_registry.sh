#!/usr/bin/env bash
# Every setting through the registry of Windows, by reg.exe; what is compared stands in test_registry.py.
# shellcheck source=tests/wine/lib.sh
. "$(dirname "$0")/lib.sh"
wine_begin registry "without tenant"
cat >"$work/mooring" <<SH
#!/bin/sh
exec "$run" "$MOORING_BUILD/bin/mooring.exe" "\$@"
SH
cat >"$work/reg" <<SH
#!/bin/sh
exec "$run" "$prefix/drive_c/windows/system32/reg.exe" "\$@"
SH
chmod +x "$work/mooring" "$work/reg"
local_folder=$(apart=yes wine_run "$prefix/drive_c/windows/system32/cmd.exe" /c 'echo %LOCALAPPDATA%' | tail -n 1)
MOORING_RUN=$work/mooring REG_RUN=$work/reg WINDOWS_LOCAL=$local_folder /usr/bin/python3 "$here/test_registry.py" \
    "$here/../../admx/out" "$here/../data/policy/settings.txt" "$here/../admx" "$work" || fail "see above"
