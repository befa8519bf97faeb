#!/usr/bin/env bash
# The model test for as long as one likes: a run for each seed on each world, each with --ops operations.
#
#   tests/model/run.sh [--ops N] [--seed FIRST] [--runs N] [--build DIR] [--worlds "memfs fake tenant"] [OPTIONS of main.c...]
#
# What fails is shrunk and left in DIR/model-WORLD-SEED.txt, which `model_WORLD --seed SEED --replay FILE` plays again.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$here/build/linux ops=3000 seed=1 runs=20 worlds="memfs fake tenant"
more=()
while [ $# -gt 0 ]; do
    case $1 in
    --ops) ops=$2 && shift ;;
    --seed) seed=$2 && shift ;;
    --runs) runs=$2 && shift ;;
    --build) build=$2 && shift ;;
    --worlds) worlds=$2 && shift ;;
    *) more+=("$1") ;;
    esac
    shift
done
failed=0
for ((i = seed; i < seed + runs; i++)); do
    for world in $worlds; do
        "$build/tests/model_$world" --ops "$ops" --seed "$i" --out "$build/model-$world-$i.txt" "${more[@]}" || failed=$((failed + 1))
    done
done
echo "$failed failed"
[ $failed = 0 ]
