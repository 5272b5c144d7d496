#!/usr/bin/env bash
# What each way to abuse a server does to two honest clients, one after the other, beside the
# same load in peace: a row of Markdown each.
#
#   TACITA_BENCH=target/release/tacita-bench lab/scripts/abuse-rows.sh
#
# TACITA_BENCH  the program; it starts the server and the clients that lie beside it, so that
#               older builds can be held against newer ones [target/release/tacita-bench]
# MINUTES       of each row [0.5]
# CLIENTS       honest clients [2]
set -euo pipefail
TACITA_BENCH=${TACITA_BENCH:-target/release/tacita-bench}
MINUTES=${MINUTES:-0.5}
CLIENTS=${CLIENTS:-2}
attacks="silent-tcp silent-tls hello-only drip garbage no-uploads odd-batches hog"

row() {
    python3 -c '
import json, sys
d = json.load(sys.stdin)
failed = "; ".join(f"{n} x {what[:60]}" for what, n in d["failures"].items()) or "none"
online = d["online_median"]
print("| {} | {} | {} | {} | {} | {:.2f} |".format(
    sys.argv[1], d["answers"], d["wrong"], "-" if online is None else f"{online:.3f}", failed,
    d["stop_seconds"]))' "$1"
}

echo "| attack | answers | wrong | online, median (s) | sessions that failed | stopped after (s) |"
echo "|---|---:|---:|---:|---|---:|"
for attack in peace $attacks; do
    which=(--attacks "$attack")
    [ "$attack" = peace ] && which=(--peace)
    out=$(timeout -k 5 600 "$TACITA_BENCH" abuse --json --minutes "$MINUTES" --clients "$CLIENTS" "${which[@]}" 2>/dev/null) ||
        true
    if [ -n "$out" ]; then row "$attack" <<<"$out"; else echo "| $attack | no result: the server died, or nothing was answered | | | | |"; fi
done
