#!/bin/sh
# Measures whole networks with garbled ReLUs, with looked-up ones and with the better of both for
# each layer: lab/results/backends.jsonl, which `tacita-lab report` shows. Some twenty minutes for
# loopback, lan and wan together on a machine that does nothing else, as many for mobile.
#
#   lab/scripts/backends.sh [LINK...]     only these links; a link's rows replace its older ones
set -eu
bench=${TACITA_BENCH:-target/release/tacita-bench}
out=${TACITA_RESULTS:-lab/results}/backends.jsonl

# Fewer tickets at a time where a batch of garbled circuits takes minutes to send.
batch() {
    case $1 in
        wan | mobile) echo 2 ;;
        *) echo 4 ;;
    esac
}

for network in ${*:-loopback lan wan mobile}; do
    for net in resnet32 resnet18; do
        for relus in all 50k 10%; do
            for relu in gc ot auto; do
                "$bench" e2e --net $net --relus $relus --network "$network" --relu $relu \
                    --batch "$(batch "$network")" --out "$out"
            done
        done
    done
done
