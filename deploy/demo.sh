#!/usr/bin/env bash
# Installs what is needed, builds, and runs the demo: the libraries of a simulated Microsoft 365 tenant as folders.
#
#   deploy/demo.sh          until Ctrl-C, below ./mooring-demo
#   deploy/demo.sh --tour   a scripted tour that checks each result on the server's side and ends by itself
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)

tour=
case "${1:-}" in
"") ;;
--tour) tour=yes ;;
--help)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

"$here/deploy/packages.sh" build
mkdir -p "$here/build"
echo "building (the log is build/demo.log)"
if ! (cd "$here" && cmake --preset linux -DBUILD_TESTING=OFF &&
    cmake --build --preset linux --target mooring mooring-tenant) >"$here/build/demo.log" 2>&1; then
    tail -n 40 "$here/build/demo.log" >&2
    exit 1
fi
if [ -n "$tour" ]; then
    exec "$here/deploy/tour.sh" "$here/build/linux/bin"
fi
exec "$here/build/linux/bin/mooring" demo
