#!/usr/bin/env bash
# What builds promise about a chest X-ray classifier, and what they do: for each seed a small
# ResNet is trained, built with calibration on a part of the training images, and run on the rest
# of those and on all test images, rounded as the protocol rounds.
#
#   DATA=pneumoniamnist.npz lab/scripts/xray-agreement.sh
#
# DATA     a MedMNIST archive of grey images (PneumoniaMNIST: CC BY 4.0, https://medmnist.com)
# WORK     folder of checkpoints and networks [runs/xray]
# SEEDS    seeds of the trainings ["1 2 3"]
# DRAWS    builds of each network [3]
# IMAGES   images that a build is given; the rest of the pool is the truth, so more of them, and fewer
#          of those, make that truth itself uncertain [2000]
# TACITA_TRAIN, TACITA_LAB  the programs [built by cargo if not given]
#
# Time: a minute a seed and draw on two cores.
set -euo pipefail
DATA=${DATA:?set DATA to a MedMNIST archive}
WORK=${WORK:-runs/xray}
SEEDS=${SEEDS:-1 2 3}
DRAWS=${DRAWS:-3}
IMAGES=${IMAGES:-2000}
root=$(cd "$(dirname "$0")/../.." && pwd)

if [ -z "${TACITA_TRAIN:-}" ]; then
    "$root/scripts/setup-libtorch.sh" "$root/libtorch"
    (cd "$root" && LIBTORCH="$root/libtorch" cargo build --release --locked -p tacita-train)
    TACITA_TRAIN=$root/target/release/tacita-train
fi
if [ -z "${TACITA_LAB:-}" ]; then
    (cd "$root" && cargo build --release --locked -p tacita-lab)
    TACITA_LAB=$root/target/release/tacita-lab
fi
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

for seed in $SEEDS; do
    work=$WORK/seed-$seed
    "$TACITA_TRAIN" teacher --net resnet20 --width-multiplier 0.5 --data "$DATA" --mean 0.5 --std 0.25 \
        --schedule short --teacher-epochs 4 --seed "$seed" --device cpu --work "$work"
    "$TACITA_TRAIN" export "$work/teacher" --data "$DATA" --mean 0.5 --std 0.25 --out "$work/net.onnx"
    echo "seed $seed"
    "$TACITA_LAB" agreement "$work/net.onnx" --pool "$DATA" --test "$DATA" \
        --draws "$DRAWS" -n "$IMAGES" --seed "$seed"
done
