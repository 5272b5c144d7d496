#!/usr/bin/env python3
"""Convert the public CIFAR-10 ResNets of akamaster/pytorch_resnet_cifar10 from .th to ONNX.

    pip install torch==2.11.0 onnx==1.23.2 onnxscript==0.7.2
    pip install onnxruntime==1.31.1          # only for --check
    python3 lab/scripts/convert_resnet_th.py resnet20-12fca82f.th resnet20.onnx
    python3 lab/scripts/convert_resnet_th.py resnet20-12fca82f.th resnet20.onnx --check test_batch.bin

Works for ResNet-20, 32, 44, 56 and 110: the depth is read from the names in the file. The
network is built here, the state dict loaded strictly (`weights_only=True`, so nothing in the
file is run), and PyTorch's own exporter writes it: the older one (TorchScript) at opset 17 by
default, the newer one with `--exporter dynamo` at opset 18.

The shortcuts are those of option A in He et al.: every second pixel, with the missing channels
filled with zeros, half before and half after. They are written as the original repository
writes them, slices and `F.pad`, so that the exported graph is the one that its users get.

Pixels are divided by 255, then normalised with ImageNet's mean and deviation, as that
repository does; both and the class names go into the file's metadata. `--check FILE` runs the
written network on a file in CIFAR-10's binary layout (1 + 3072 bytes an image) and prints its
accuracy: 91.73 % for ResNet-20, 92.63 % for ResNet-32, 93.39 % for ResNet-56.
"""

import argparse
import os
import pickle
import re
import sys
import warnings

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
LABELS = "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck"
STAGES = 3


class Refused(Exception):
    """The file is not a ResNet of this family."""


class OptionA(nn.Module):
    """Shortcut without weights into a stage of twice the width and half the side."""

    def __init__(self, planes):
        super().__init__()
        self.extra = planes // 4

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra, self.extra), "constant", 0)


class Block(nn.Module):
    """Two 3x3 convolutions with batch normalisation beside a shortcut."""

    def __init__(self, in_planes, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        same = stride == 1 and in_planes == planes
        self.shortcut = nn.Sequential() if same else OptionA(planes)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class ResNet(nn.Module):
    """CIFAR ResNet of He et al. with `blocks` blocks a stage: depth 6 * blocks + 2."""

    def __init__(self, blocks):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        planes = 16
        for stage in range(STAGES):
            width = 16 << stage
            layers = []
            for i in range(blocks):
                layers.append(Block(planes, width, 2 if stage and i == 0 else 1))
                planes = width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(planes, 10)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.avg_pool2d(out, out.size()[3])
        return self.linear(out.view(out.size(0), -1))


def state_dict(path):
    """Names and tensors in the checkpoint, without the prefix that DataParallel leaves."""
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise Refused(f"{path}: not a checkpoint of plain tensors: {error}") from error
    if not isinstance(checkpoint, dict):
        raise Refused(f"{path}: no state dict in it")
    state = checkpoint.get("state_dict", checkpoint)
    return {name.removeprefix("module."): value for name, value in state.items()}


def load(path):
    """The network in the file, ready for inference, and its depth."""
    state = state_dict(path)
    found = [re.match(r"layer1\.(\d+)\.", name) for name in state]
    blocks = 1 + max((int(m[1]) for m in found if m), default=-1)
    if blocks == 0:
        raise Refused(f"{path}: no layer1.N.* tensors; expected a CIFAR ResNet of this family")
    net = ResNet(blocks)
    try:
        net.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise Refused(f"{path}: {error}") from error
    return net.eval(), 6 * blocks + 2


def export(net, path, dynamo, opset):
    """Write the network with one of PyTorch's exporters, then add our metadata."""
    example = torch.zeros(1, 3, 32, 32)
    names = {"input_names": ["image"], "output_names": ["logits"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            torch.onnx.export(
                net,
                (example,),
                path,
                dynamo=True,
                external_data=False,
                verbose=False,
                opset_version=opset,
                **names,
            )
        else:
            torch.onnx.export(net, (example,), path, dynamo=False, opset_version=opset, **names)
    model = onnx.load(path)
    commas = lambda values: ",".join(map(str, values))
    metadata = {
        "tacita.mean": commas(MEAN),
        "tacita.std": commas(STD),
        "tacita.labels": LABELS,
        "tacita.weights": "trained",
    }
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def accuracy(path, images):
    """Images classified right and images in all, for one file in CIFAR-10's binary layout."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    records = np.fromfile(images, dtype=np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    mean = np.asarray(MEAN, dtype=np.float32).reshape(3, 1, 1)
    std = np.asarray(STD, dtype=np.float32).reshape(3, 1, 1)
    right = 0
    for record in records:
        pixels = record[1:].reshape(1, 3, 32, 32).astype(np.float32) / 255
        (logits,) = session.run(None, {"image": (pixels - mean) / std})
        right += int(logits.argmax() == record[0])
    return right, len(records)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help=".th file")
    parser.add_argument("output", help="ONNX file to write")
    parser.add_argument("--exporter", choices=["legacy", "dynamo"], default="legacy")
    parser.add_argument("--opset", type=int, help="default: 17 (legacy), 18 (dynamo)")
    parser.add_argument("--check", metavar="BIN", help="CIFAR-10 file to measure accuracy on")
    args = parser.parse_args()
    dynamo = args.exporter == "dynamo"
    try:
        net, depth = load(args.checkpoint)
    except (Refused, OSError) as error:
        sys.exit(f"convert_resnet_th: {error}")
    export(net, args.output, dynamo, args.opset or (18 if dynamo else 17))
    print(f"wrote {args.output}: ResNet-{depth}, {os.path.getsize(args.output)} bytes")
    if args.check:
        right, images = accuracy(args.output, args.check)
        print(f"accuracy: {right} of {images} ({100 * right / images:.2f} %)")


if __name__ == "__main__":
    main()
