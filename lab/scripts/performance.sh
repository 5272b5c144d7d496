#!/bin/sh
# Measures everything in lab/results/ that `tacita-lab report` shows, but for the table of networks
# (lab/results/README.md) and the check of the shaping (lab/scripts/check-shaping.sh). An hour and a
# half on a machine that does nothing else; `make performance` builds what it needs and calls it.
set -eu
bench=${TACITA_BENCH:-target/release/tacita-bench}
lab=${TACITA_LAB:-target/release/tacita-lab}
out=${1:-lab/results}

e2e() {
    "$bench" e2e --net "$1" --relus "$2" --network "$3" --relu "${4:-gc}" --out "$out/e2e.jsonl"
}

"$bench" kernels --out "$out/kernels.json"

rm -f "$out/e2e.jsonl" "$out/sweep.jsonl"
for network in loopback lan wan; do
    e2e resnet18 50k $network
done
for net in resnet20 resnet32 resnet18; do
    e2e $net all loopback auto
    e2e $net 10% loopback auto
done
for net in vgg16 mobilenetv1; do
    e2e $net 50k loopback
done

"$bench" sweep --out "$out/sweep.jsonl"
"$bench" relu --out "$out/relu.json"
rm -f "$out/backends.jsonl"
TACITA_RESULTS=$out "$(dirname "$0")/backends.sh"
"$lab" compare --out "$out/compare.json"
"$lab" report --results "$out"
