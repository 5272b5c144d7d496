#!/usr/bin/env python3
"""Compile what PyTorch's exporter writes by default, and compare with PyTorch itself.

`torch.onnx.export(model, (image,), path)`, nothing else said: the weights then lie in a file of
their own beside the model. Networks of torchvision (random weights, normalisations with the
statistics of the drawn images) are exported so, built by tacita-compile, and evaluated in fixed
point; a row each says how far the logits are from PyTorch's, and how many labels agree.

Python 3.11 was used:

    python3 -m venv venv-torch
    venv-torch/bin/pip install torch torchvision onnx onnxscript pillow
    cargo build --release -p tacita-compile
    venv-torch/bin/python scripts/check_torch_exports.py             # some minutes
    venv-torch/bin/python scripts/check_torch_exports.py --only vgg16_bn

Ends with 1 if a network is refused, or its logits are off by more than --within.
"""

import argparse
import importlib.metadata
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

import torch
from PIL import Image

from torch_exports import networks

PACKAGES = ("torch", "torchvision", "onnx", "onnxscript")


def versions():
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)


def run(program, *arguments):
    """What the program prints, as JSON."""
    command = [program, *map(str, arguments), "--json"]
    out = subprocess.run(command, capture_output=True, text=True, check=False)
    if out.returncode:
        raise RuntimeError(out.stderr.strip().splitlines()[-1])
    return json.loads(out.stdout)


def check(program, name, make, side, count):
    """A row of the table, and how far the logits are off."""
    net = networks.settled(make, side)
    images = networks.pictures(count, side, seed=99)
    with torch.no_grad():
        expected = net(images / 255)
    with tempfile.TemporaryDirectory() as place:
        folder, model = Path(place, "images"), Path(place, f"{name}.onnx")
        folder.mkdir()
        files = [folder / f"{i:03}.png" for i in range(count)]
        for file, image in zip(files, images):
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(file)
        torch.onnx.export(net, (torch.rand(1, 3, side, side),), model)
        data = sum(file.stat().st_size for file in Path(place).glob("*.data"))
        plan = Path(place, "plan")
        options = ["--calibrate", folder, "--pixels", "0..1"]
        built = run(program, "build", model, "-o", plan, *options)
        given = ["--data", folder, "--rounding", "nearest", "--each"]
        found = run(program, "simulate", plan, *given)["each"]
    logits = torch.tensor([each["logits"] for each in found])
    off = ((logits - expected).abs().max() / expected.abs().max()).item()
    labels = (logits.argmax(1) == expected.argmax(1)).sum().item()
    return f"{data / 1e6:8.1f} {built['relus']:9} {off:8.2%} {labels:4}/{count}", off


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compile", default="target/release/tacita-compile", metavar="PROGRAM")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--within", type=float, default=0.03, help="share of the largest logit")
    parser.add_argument("--only", default="", help="only networks with this in their names")
    args = parser.parse_args()
    print(versions())
    print(f"{'network':20} {'data, MB':>8} {'ReLUs':>9} {'logits':>8} labels")
    failed = 0
    for name, make, side in networks.LARGE:
        if args.only not in name:
            continue
        try:
            row, off = check(args.compile, name, make, side, args.images)
            failed += off > args.within
        except RuntimeError as error:
            row, failed = str(error), failed + 1
        print(f"{name:20} {row}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
