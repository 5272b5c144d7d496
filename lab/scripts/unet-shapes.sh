#!/usr/bin/env bash
# A U-Net of half a million weights that finds drawn shapes in pictures of 64x64 grey pixels, trained
# on pictures drawn here; then private masks of a few of them, beside the clear ones.
#
#   lab/scripts/unet-shapes.sh
#
# OUT      the network [runs/unet-shapes/unet-shapes.onnx]
# PICTURES folder of pictures to calibrate on and to try it on [runs/unet-shapes/pictures]
# STEPS    steps of 16 pictures [700]
# SEED     seed of everything random [1]
# N        pictures to run privately [4]
# BIN      folder of the programs [built by cargo if not given]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
OUT=${OUT:-runs/unet-shapes/unet-shapes.onnx}
PICTURES=${PICTURES:-runs/unet-shapes/pictures}
STEPS=${STEPS:-700}
SEED=${SEED:-1}
N=${N:-4}

if [ -z "${BIN:-}" ]; then
    "$root/scripts/setup-libtorch.sh" "$root/libtorch"
    (cd "$root" && LIBTORCH="$root/libtorch" cargo build --release --locked -p tacita-train \
        -p tacita-compile -p tacita-server -p tacita-client -p tacita-bench)
    BIN=$root/target/release
fi
# Beside other programs, threads that spin while they wait cost a factor of three to four.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

"$BIN/tacita-train" shapes --steps "$STEPS" --seed "$SEED" --out "$OUT" --pictures "$PICTURES"
# What builds without pictures need to know of them.
"$BIN/tacita-compile" calibrate "$OUT" --data "$PICTURES"
"$BIN/tacita-bench" maps --model "$OUT" --pictures "$PICTURES" -n "$N" --out "$(dirname "$OUT")/maps"
