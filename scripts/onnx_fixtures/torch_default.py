"""Networks of torchvision, narrowed, as PyTorch's exporter writes them with nothing said: their
weights lie in a file of their own."""

import os
import sys
import tempfile

import onnx
import onnxscript
import torch
import torchvision

from torch_exports import networks

from .check import check, opset
from .folder import Folder, image
from .torch_export import quiet, unlocated

LIMIT = 100_000


def written(net, value, path):
    """The model as it stands in its file, and whole."""
    with quiet():
        torch.onnx.export(net, (torch.from_numpy(value),), path)
    return (unlocated(onnx.load(path, load_external_data=data)) for data in (False, True))


def export(folder, name, make, side):
    net = networks.settled(make, side)
    value = image((1, 3, side, side))
    with torch.no_grad():
        result = net(torch.from_numpy(value)).numpy()
    with tempfile.TemporaryDirectory() as place:
        _, whole = written(net, value, os.path.join(place, "net.onnx"))
        # The file of weights is named after the model's, which names its operator set.
        path = os.path.join(place, f"default-{opset(whole)}-{name}.onnx")
        model, whole = written(net, value, path)
        check(whole, value, result, opset(whole), idle=True, limit=LIMIT)
        folder.add(model, "default", opset(whole), name, value.shape, result, data=f"{path}.data")


def make(path, only):
    """Write all fixtures whose name contains `only`. False if any failed."""
    folder = Folder(path, ("default",))
    folder.exporters["default"] = (
        f"torch {torch.__version__}, torchvision {torchvision.__version__}, "
        f"onnxscript {onnxscript.__version__}, torch.onnx.export(model, (image,), path)"
    )
    failed = 0
    for name, make_one, side in networks.SMALL:
        if only not in f"default-{name}":
            continue
        try:
            export(folder, name, make_one, side)
        except Exception as error:  # any: the next network may still do
            failed += 1
            print(f"{name}: {type(error).__name__}: {str(error)[:600]}", file=sys.stderr)
    folder.save()
    return failed == 0
