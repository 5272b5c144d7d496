#!/usr/bin/env bash
# Holds `tacita-client --network` against a real slow line: the same private run between two network
# namespaces, once through `tc netem` (delay and rate at both ends), once over a plain veth pair with
# the client acting as if it were slow. Writes lab/results/shaping.json and prints both with their ratio.
#
# A kernel without sch_netem gets lab/scripts/slow_line.py instead, a line in user space under the
# kernel's own TCP; the file says so, with the command and its error.
#
# Needs root, iproute2, openssl, python3 and the release binaries (`make release`).
# On a machine with other work, `chrt -r 5 lab/scripts/check-shaping.sh` keeps that out of the way: a
# woken thread waits for a tick of the scheduler otherwise, several round trips of a lan.
#   BIN=target/release MODEL=models/cifar10-thin.onnx BATCH=8 REPEAT=3 OUT=lab/results/shaping.json
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${BIN:-target/release} model=${MODEL:-models/cifar10-thin.onnx} batch=${BATCH:-8}
sizes=1
((batch == 1)) || sizes=1,$batch
repeat=${REPEAT:-3} out=${OUT:-lab/results/shaping.json}
for tool in ip tc openssl python3 "$bin/tacita-server" "$bin/tacita-client" "$bin/tacita-compile"; do
  command -v "$tool" >/dev/null || { echo "check-shaping: $tool is missing" >&2; exit 3; }
done
[ "$(id -u)" = 0 ] || { echo "check-shaping: network namespaces need root" >&2; exit 3; }

dir=$(mktemp -d) near=tacita-client-$$ far=tacita-server-$$ line_pid=
cleanup() {
  [ -z "$line_pid" ] || kill "$line_pid" 2>/dev/null || true
  [ -z "${SERVER_PID:-}" ] || kill "$SERVER_PID" 2>/dev/null || true
  ip netns del "$near" 2>/dev/null || true
  ip netns del "$far" 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT

# Two namespaces and a plain veth pair between them.
ip netns add "$near"
ip netns add "$far"
ip -n "$near" link add veth-client type veth peer name veth-server netns "$far"
ip -n "$near" addr add 10.77.0.1/24 dev veth-client
ip -n "$far" addr add 10.77.0.2/24 dev veth-server
for at in "$near lo" "$near veth-client" "$far lo" "$far veth-server"; do
  ip -n "${at% *}" link set "${at#* }" up
done

# A plan, pictures and certificates.
"$bin/tacita-compile" build "$model" -o "$dir/model.plan" >/dev/null
mapfile -t samples < <(ls samples/*.png)
images=()
for ((i = 0; i < 2 * batch; i++)); do images+=("${samples[i % ${#samples[@]}]}"); done
key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
openssl req -x509 "${key[@]}" -keyout "$dir/ca.key" -out "$dir/ca.pem" -subj /CN=check -days 2 \
  -addext basicConstraints=critical,CA:TRUE 2>/dev/null
openssl req "${key[@]}" -keyout "$dir/server.key" -out "$dir/server.csr" -subj /CN=localhost 2>/dev/null
echo subjectAltName=DNS:localhost >"$dir/san"
openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial \
  -days 2 -extfile "$dir/san" -out "$dir/server.pem" 2>/dev/null

# session FILE ADDRESS [CLIENT OPTION..]: one session of a fresh server, the client's JSON in FILE.
session() {
  local file=$1 address=$2 ready
  shift 2
  coproc SERVER { exec ip netns exec "$far" "$bin/tacita-server" --plan "$dir/model.plan" --json \
    --listen "$address:7777" --cert "$dir/server.pem" --key "$dir/server.key" \
    --batches "$sizes" 2>"$dir/server.log"; }
  read -r ready <&"${SERVER[0]}" || { cat "$dir/server.log" >&2; return 1; }
  ip netns exec "$near" "$bin/tacita-client" infer --server "$address:7777" --server-name localhost \
    --ca "$dir/ca.pem" --json --batch "$batch" "$@" "${images[@]}" >"$file" 2>"$dir/client.log" ||
    { cat "$dir/client.log" >&2; return 1; }
  kill "$SERVER_PID"
  wait "$SERVER_PID" || true
}

# Whether the kernel has netem, in its own words.
netem="tc qdisc add dev veth-client root netem delay 1ms rate 1000mbit"
if netem_error=$(ip netns exec "$near" $netem 2>&1); then
  netem_error= reference="tc netem"
  ip netns exec "$near" tc qdisc del dev veth-client root
else
  reference="slow_line.py"
  echo "no netem here: \`$netem\`: $netem_error; using lab/scripts/slow_line.py" >&2
fi

# Name, round trip in ms, Mbit/s up and down, frames a packet stands for (slow_line.py).
for network in "lan 1 1000 1000 6" "wan 40 100 100 1"; do
  read -r name rtt up down frames <<<"$network"
  for ((i = 1; i <= repeat; i++)); do
    echo "$name, run $i of $repeat" >&2
    session "$dir/$name.shaped.$i" 10.77.0.2 --network "$name"
    if [ "$reference" = "tc netem" ]; then
      half=$(python3 -c "print(1000 * $rtt // 2)")
      ip netns exec "$near" tc qdisc add dev veth-client root netem delay "${half}us" rate "${up}mbit" limit 20000
      ip netns exec "$far" tc qdisc add dev veth-server root netem delay "${half}us" rate "${down}mbit" limit 20000
      session "$dir/$name.real.$i" 10.77.0.2
      ip netns exec "$near" tc qdisc del dev veth-client root
      ip netns exec "$far" tc qdisc del dev veth-server root
    else
      mkfifo "$dir/line"
      python3 lab/scripts/slow_line.py --client "$near" --server "$far" --rtt "${rtt}e-3" \
        --up "${up}e6" --down "${down}e6" --frames "$frames" >"$dir/line" &
      line_pid=$!
      exec 5<"$dir/line"
      read -r _ <&5
      session "$dir/$name.real.$i" 10.77.1.2
      kill "$line_pid"
      cat <&5 >"$dir/$name.line.$i"
      wait "$line_pid" || true
      exec 5<&-
      line_pid=
      rm "$dir/line"
    fi
  done
done

NETEM="$netem" NETEM_ERROR="$netem_error" REFERENCE="$reference" \
  python3 - "$dir" "$out" "$model" "$batch" "$repeat" <<'PYTHON'
import glob, json, os, statistics, sys

folder, out, model, batch, repeat = sys.argv[1:]

def figures(path):
    events = [json.loads(line) for line in open(path)]
    images = [e for e in events if e["event"] == "image"]
    first, last = images[0], images[-1]
    return {"set-up": events[-1]["setup"]["seconds"],
            "first offline run": first["offline_batch"]["seconds"],
            "later offline run": last["offline_batch"]["seconds"],
            "online": statistics.median(i["online"]["seconds"] for i in images)}

def medians(pattern):
    runs = [figures(path) for path in sorted(glob.glob(f"{folder}/{pattern}.*"))]
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}

rows, lines = [], {}
reference = os.environ["REFERENCE"]
print(f"{'':8}{'':20}{reference:>14}{'--network':>12}{'ratio':>8}")
for network in ("lan", "wan"):
    real, shaped = medians(f"{network}.real"), medians(f"{network}.shaped")
    for figure in real:
        ratio = shaped[figure] / real[figure]
        rows.append({"network": network, "figure": figure, "reference_seconds": round(real[figure], 5),
                     "shaped_seconds": round(shaped[figure], 5), "ratio": round(ratio, 3)})
        print(f"{network:8}{figure:20}{real[figure]:12.3f} s{shaped[figure]:10.3f} s{ratio:8.2f}")
    lines[network] = [json.load(open(p)) for p in sorted(glob.glob(f"{folder}/{network}.line.*"))]

error = os.environ["NETEM_ERROR"]
policies = {os.SCHED_OTHER: "SCHED_OTHER", os.SCHED_FIFO: "SCHED_FIFO", os.SCHED_RR: "SCHED_RR"}
result = {"command": f"BATCH={batch} REPEAT={repeat} lab/scripts/check-shaping.sh",
          "scheduler": policies.get(os.sched_getscheduler(0), "other"), "kernel": os.uname().release, "cores": os.cpu_count(),
          "model": model, "batch": int(batch), "runs": int(repeat), "reference": reference,
          "netem": {"command": os.environ["NETEM"], "error": error or None},
          "rows": rows, "slow_line": {k: v for k, v in lines.items() if v} or None}
with open(out, "w") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
PYTHON
echo "written to $out"
