#!/usr/bin/env python3
"""Counts the instructions of the protocol's kernels and compares them with a stored baseline.

    scripts/instructions.py                 fails if a kernel grew by more than the tolerance
    scripts/instructions.py --accept        stores what was counted as the new baseline

The kernels are the ignored unit tests of protocol/src/counted, run under `valgrind
--tool=callgrind`; the test build (optimised, with debug assertions) is used because randomness can
be seeded only there. Arguments after `--` replace `-p tacita-protocol` in `cargo test`: pass what
the build before passed (`-- --workspace`), and nothing is compiled again.

Valgrind emulates no AVX-512 and no VAES: the path for AVX2 and AES-NI is counted. Counts are the
same on every x86-64 processor that has both, but may move with the compiler; wall-clock time is
what `tacita-bench kernels` measures.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BASELINE = os.path.join(ROOT, "bench", "baseline", "instructions.json")
# Runs of one build agree to the instruction; this is room for what a change elsewhere inlines.
TOLERANCE = 0.02
NEEDED = {"avx2", "aes", "bmi2"}


def fail(message):
    sys.exit(f"instructions: {message}")


def build(selection):
    """The unit tests' binary."""
    cargo = os.environ.get("CARGO", "cargo")
    command = [cargo, "test", "--locked", *selection, "--lib", "--no-run", "--message-format=json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        fail("the tests do not build")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        target = message.get("target", {})
        if target.get("name") == "tacita_protocol" and message.get("executable"):
            return message["executable"]
    fail("cargo named no binary of the protocol's unit tests")


def kernels(binary):
    listed = subprocess.run(
        [binary, "counted::", "--list", "--ignored"], check=True, capture_output=True, text=True
    ).stdout
    return re.findall(r"^(\S+): test$", listed, re.MULTILINE)


def count(binary, test):
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=*collect_here*"]
    command += ["--callgrind-out-file=/dev/null", binary, test, "--exact", "--ignored"]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found or not int(found.group(1)):
        fail(f"{test} did not run under valgrind:\n{done.stdout}{done.stderr}")
    return int(found.group(1))


def count_all(binary):
    tests = kernels(binary)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(lambda test: count(binary, test), tests)
        return {test.rsplit("::", 1)[1]: n for test, n in zip(tests, counts)}


def rustc():
    return subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()


def compare(baseline, counted):
    """Prints the table; returns names of kernels that grew, shrank, or are in one list only."""
    before = baseline["instructions"]
    moved = {"grew": [], "shrank": [], "new": [], "gone": []}
    print(f"{'kernel':<26}{'baseline':>14}{'now':>14}{'change':>10}")
    for name in sorted(before.keys() | counted.keys()):
        old, new = before.get(name), counted.get(name)
        if old is None or new is None:
            state, change = ("new" if old is None else "gone"), "-"
        else:
            ratio = new / old - 1
            state = "grew" if ratio > TOLERANCE else "shrank" if ratio < -TOLERANCE else ""
            change = f"{100 * ratio:+.2f} %"
        if state:
            moved[state].append(name)
        print(f"{name:<26}{old or '-':>14}{new or '-':>14}{change:>10}  {state}".rstrip())
    return moved


def judge(baseline, counted):
    moved = compare(baseline, counted)
    accept = "`make baseline` stores these counts"
    if moved["shrank"]:
        print(f"Faster than the baseline: {', '.join(moved['shrank'])}; {accept}.")
    wrong = moved["grew"] + moved["new"] + moved["gone"]
    if not wrong:
        print(f"No kernel grew by more than {100 * TOLERANCE:.0f} %.")
        return
    if rustc() != baseline["rustc"]:
        print(f"The baseline was counted with {baseline['rustc']}, this is {rustc()}.")
    fail(
        f"{', '.join(wrong)}: more than {100 * TOLERANCE:.0f} % above the baseline, or not in both "
        f"lists. If that is meant, {accept}."
    )


def store(counted):
    text = {"unit": "instructions a call", "rustc": rustc(), "instructions": counted}
    with open(BASELINE, "w") as file:
        json.dump(text, file, indent=2, sort_keys=True)
        file.write("\n")
    print(f"{len(counted)} counts written to {os.path.relpath(BASELINE)}")


def can_count():
    try:
        with open("/proc/cpuinfo") as file:
            flags = set(re.search(r"^flags\s*:(.*)$", file.read(), re.MULTILINE).group(1).split())
    except (OSError, AttributeError):
        return False
    return NEEDED <= flags


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="store the counts as the baseline")
    parser.add_argument("selection", nargs="*", help="packages, as `cargo test` takes them")
    args = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    if not can_count():
        print(f"instructions: NOT COUNTED, the baseline is for x86-64 Linux with {', '.join(sorted(NEEDED))}")
        return
    counted = count_all(build(args.selection or ["-p", "tacita-protocol"]))
    if args.accept:
        return store(counted)
    with open(BASELINE) as file:
        judge(json.load(file), counted)


if __name__ == "__main__":
    main()
