#!/usr/bin/env bash
# ResNet18 on CIFAR-100 with 25,000, 50,000 and 100,000 of its 557,056 ReLUs: SENet with the
# schedule of the paper, in half precision on one CUDA GPU. The three share one teacher.
#
#   DATA=cifar-100-binary lab/recipes/cifar100-resnet18-gpu.sh
#
# DATA       folder of the binary CIFAR-100 (train.bin, test.bin)
# WORK       folder of checkpoints and logs [runs/cifar100-resnet18]
# OUT        folder of the four networks and their results [lab/results/cifar100-resnet18]
# SEED       seed of everything random [1]
# DEVICE     where to compute [cuda]
# TORCH_LIB  folder torch/lib of PyTorch 2.11.0+cu130 [put into VENV: a download of some 2 GB]
# VENV       Python environment for that [.venv-torch]
# TACITA_TRAIN  the program [built by cargo if not given]
#
# Time: an ESTIMATE, not measured: 3 to 6 hours on one data-centre GPU (240 epochs of the
# teacher, then 150 + 180 epochs for each budget; `tacita-train bench --device cuda
# --mixed-precision` says what a GPU does). Cut off, it goes on where it was when run again.
#
# Accuracy to expect on the test images. NOT measured with this script; the values of SENet
# (ICLR 2023) are quoted from memory and unverified, and were chosen on the test images,
# while this program chooses epochs on 5 % held-out training images:
#   all ReLUs about 78 %; 24.6K about 70.6 %; 49.6K about 75.3 %; 100K about 77.9 %
# Runs on CUDA do not repeat bit for bit.
set -euo pipefail
DATA=${DATA:?set DATA to the folder of the binary CIFAR-100}
WORK=${WORK:-runs/cifar100-resnet18}
OUT=${OUT:-lab/results/cifar100-resnet18}
SEED=${SEED:-1}
DEVICE=${DEVICE:-cuda}
root=$(cd "$(dirname "$0")/../.." && pwd)

# The program itself is built against the CPU part of libtorch.
if [ -z "${TACITA_TRAIN:-}" ]; then
    "$root/scripts/setup-libtorch.sh" "$root/libtorch"
    (cd "$root" && LIBTORCH="$root/libtorch" cargo build --release --locked -p tacita-train)
    TACITA_TRAIN=$root/target/release/tacita-train
fi

# The CUDA part comes from a PyTorch of the very same version, found by the loader at run time.
if [ -z "${TORCH_LIB:-}" ]; then
    VENV=${VENV:-$root/.venv-torch}
    [ -x "$VENV/bin/python" ] || python3 -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet torch==2.11.0
    TORCH_LIB=$("$VENV/bin/python" -c 'import os, torch; print(os.path.join(torch.__path__[0], "lib"))')
fi
# The old value stays: the driver may be found through it.
export LD_LIBRARY_PATH="$TORCH_LIB${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

common=(--net resnet18 --data "$DATA" --work "$WORK" --seed "$SEED" --schedule paper
        --device "$DEVICE" --mixed-precision)
mkdir -p "$OUT"

"$TACITA_TRAIN" teacher "${common[@]}"
"$TACITA_TRAIN" export "$WORK/teacher" --data "$DATA" --out "$OUT/resnet18-all.onnx"
"$TACITA_TRAIN" eval "$WORK/teacher" --data "$DATA" --device "$DEVICE" --json >"$OUT/eval-all.json"
for relus in 25000 50000 100000; do
    "$TACITA_TRAIN" senet "${common[@]}" --teacher "$WORK/teacher" --relu-budget "$relus" \
        --out "$OUT/resnet18-$relus.onnx"
    "$TACITA_TRAIN" eval "$WORK/finetune-$relus" --data "$DATA" --device "$DEVICE" --json \
        >"$OUT/eval-$relus.json"
done
echo "networks, their cards and results are in $OUT" >&2
