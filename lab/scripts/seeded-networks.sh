#!/bin/sh
# Writes networks with drawn weights and a random mask of 50,000 ReLUs (or $2: a number, a share,
# all) into the folder $1, for `tacita-lab networks`. Everything follows seed 1; needs tacita-train.
#
#   lab/scripts/seeded-networks.sh nets && target/release/tacita-lab networks nets/*.onnx
set -eu
out=${1:?the folder to write to}
relus=${2:-50k}
train=${TACITA_TRAIN:-target/release/tacita-train}

net() {
    name=$1
    shift
    "$train" untrained "$@" --relus "$relus" --seed 1 --out "$out/$name.onnx"
}

net minionn       --net minionn
net resnet18      --net resnet18
net resnet34      --net resnet34
net wrn22-8       --net wrn22-8
net vgg16-average --net vgg16 --pool average
net vgg16-max     --net vgg16 --pool max
net mobilenetv1   --net mobilenetv1
net hrn-5x5x3x-m8 --net hrn-5x5x3x --base-width 8
net resnet18-64   --net resnet18 --input-size 64 --classes 200
net resnet50-224  --net resnet50 --imagenet-stem --input-size 224 --classes 1000
