#!/usr/bin/env bash
# A ResNet18 of a quarter of the width (16-32-64-128) on CIFAR-10 with 15,000 of its 139,264
# ReLUs: SENet with a short schedule, on a CPU.
#
#   DATA=cifar-10-batches-bin lab/recipes/cifar10-thin-resnet18-cpu.sh
#
# DATA     folder of the binary CIFAR-10 (data_batch_1.bin to data_batch_5.bin, test_batch.bin)
# WORK     folder of checkpoints and logs [runs/cifar10-thin-resnet18]
# OUT      folder of the network and its results [lab/results/cifar10-thin-resnet18]
# RELUS    ReLUs to keep [15000]
# SEED     seed of everything random [1]
# THREADS  threads [0: one for each core]
# TACITA_TRAIN  the program [built by cargo if not given]
#
# Time: an ESTIMATE, 1 to 1.5 hours on two idle cores with AVX2, from a measured 341 images a
# second (forward, backward and step, batch 128): 12 epochs of the teacher, then 3 + 8 + 3
# that run the teacher as well. Cut off, it goes on where it was when run again.
#
# Accuracy to expect on the test images: NOT measured for this network. The bundled ResNet-20
# (models/README.md), made by the same schedule with 22,000 of 188,416 ReLUs, was measured:
# teacher 87.65 %, network 80.99 %. Expect the same order.
# On the same machine and number of threads, runs repeat bit for bit.
set -euo pipefail
DATA=${DATA:?set DATA to the folder of the binary CIFAR-10}
WORK=${WORK:-runs/cifar10-thin-resnet18}
OUT=${OUT:-lab/results/cifar10-thin-resnet18}
RELUS=${RELUS:-15000}
SEED=${SEED:-1}
THREADS=${THREADS:-0}
root=$(cd "$(dirname "$0")/../.." && pwd)

if [ -z "${TACITA_TRAIN:-}" ]; then
    "$root/scripts/setup-libtorch.sh" "$root/libtorch"
    (cd "$root" && LIBTORCH="$root/libtorch" cargo build --release --locked -p tacita-train)
    TACITA_TRAIN=$root/target/release/tacita-train
fi
# Beside other programs, threads that spin while they wait cost a factor of three to four.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

mkdir -p "$OUT"
# A short search settles from the teacher's weights and with memory of earlier epochs.
"$TACITA_TRAIN" senet --net resnet18 --width-multiplier 0.25 --data "$DATA" --work "$WORK" \
    --relu-budget "$RELUS" --schedule short --search-from teacher --memory 0.5 \
    --seed "$SEED" --device cpu --threads "$THREADS" --out "$OUT/thin-resnet18-$RELUS.onnx"
"$TACITA_TRAIN" eval "$WORK/polish-$RELUS" --data "$DATA" --device cpu --threads "$THREADS" \
    --json >"$OUT/eval-$RELUS.json"
echo "the network, its card and its results are in $OUT" >&2
