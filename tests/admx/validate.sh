#!/usr/bin/env bash
# Validates the template and its languages against Microsoft's schema: validate.sh SCHEMA_FOLDER OUT_FOLDER
# Exit code 77 (skipped) where the schema or xmllint is not there.
set -eu
schema=$1
out=$2

if ! command -v xmllint >/dev/null || [ ! -f "$schema/PolicyDefinitionFiles.xsd" ]; then
    echo "no xmllint, or no schema in $schema"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# libxml2 does not know the escape \$ in a pattern; [$] means the same.
for file in "$schema"/*.xsd; do
    sed 's/\\\$/[$]/g' "$file" >"$work/$(basename "$file")"
done
valid() { xmllint --noout --nonet --schema "$work/PolicyDefinitionFiles.xsd" "$1"; }

for file in "$out/Mooring.admx" "$out/en-US/Mooring.adml" "$out/de-DE/Mooring.adml"; do
    valid "$file"
done
# The schema must be able to refuse.
sed 's/ explainText=/ explanation=/' "$out/Mooring.admx" >"$work/wrong.admx"
if valid "$work/wrong.admx" 2>/dev/null; then
    echo "the schema takes anything"
    exit 1
fi
