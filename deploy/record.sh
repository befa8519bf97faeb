#!/usr/bin/env bash
# Makes the recording in README.md from a real run of the tour. Build first: cmake --build --preset linux
#
#   deploy/record.sh [FOLDER_OF_THE_PROGRAMS]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
bin=$(cd "${1:-$here/build/linux/bin}" && pwd)
temporary=$(cd "${TMPDIR:-/tmp}" && pwd)
cd "$here"

# This machine's paths are nobody's business: programs go by their names, and the demo's folder by its own.
exec deploy/record.py --output deploy/docs/demo.svg --title "deploy/demo.sh --tour" \
    --columns 118 --rows 30 --max-pause 1.5 --line-seconds 0.12 \
    --replace-re "'?$bin/([a-z-]+)'?=\\1" \
    --replace-re "$temporary/mooring-tour-[A-Za-z0-9]{6}/=./" \
    --replace "$here/=" --replace "$temporary/=" --replace "$HOME/=~/" \
    -- deploy/tour.sh "$bin"
