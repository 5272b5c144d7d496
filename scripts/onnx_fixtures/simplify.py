"""Fixtures of the other exporters as onnxsim and onnxslim leave them."""

import sys

import onnx
import onnxsim
import onnxslim

from .check import check
from .folder import Folder, image

SOURCES = {
    "onnxsim": [
        "legacy-11-residual-option-a",
        "legacy-17-residual-option-a-dynamic",
        "legacy-11-conv-bn-relu-unfolded",
        "legacy-11-relu6-module",
        "dynamo-18-residual-preactivation-unfolded",
        "tf2onnx-13-residual",
        "tf2onnx-18-mobilenet-block",
    ],
    "onnxslim": [
        "legacy-13-residual-option-a",
        "legacy-17-residual-option-a-unfolded",
        "legacy-15-conv-bn-relu-unfolded",
        "legacy-11-reshape-dynamic-view",
        "legacy-11-dropout",
        "dynamo-18-mobilenet-v2-block-unfolded",
        "tf2onnx-15-residual-nchw-input-dynamic",
        "tf2onnx-13-flatten-dense-dynamic",
    ],
}


def with_onnxsim(model):
    simple, valid = onnxsim.simplify(model)
    if not valid:
        raise ValueError("onnxsim says that its own result differs")
    return simple


SIMPLIFIERS = {"onnxsim": with_onnxsim, "onnxslim": onnxslim.slim}


def export(folder, tool, entry):
    model = SIMPLIFIERS[tool](onnx.load(folder.file(entry)))
    value = image(entry["input_shape"])
    if entry["layout"] == "NHWC":
        value = value.transpose(0, 2, 3, 1)
    check(model, value, entry["output"], entry["opset"], idle=True)
    kept = {k: entry[k] for k in ("layout", "optional", "final") if k in entry}
    folder.add(
        model,
        tool,
        entry["opset"],
        f"{entry['exporter']}-{entry['pattern']}",
        entry["input_shape"],
        entry["output"],
        source=entry["file"],
        **kept,
    )


def make(path, only):
    """Write all fixtures whose name contains `only`. False if any failed."""
    folder = Folder(path, tuple(SOURCES))
    folder.exporters["onnxsim"] = f"onnxsim {onnxsim.__version__.lstrip('v')}"
    folder.exporters["onnxslim"] = f"onnxslim {onnxslim.__version__}"
    there = {entry["file"]: entry for entry in folder.entries}
    failed = 0
    for tool, sources in SOURCES.items():
        for source in sources:
            if only not in f"{tool}-{source}":
                continue
            try:
                if f"{source}.onnx" not in there:
                    raise FileNotFoundError(f"{source}.onnx: make those of torch and keras first")
                export(folder, tool, there[f"{source}.onnx"])
            except Exception as error:  # any: the next one may still do
                failed += 1
                print(
                    f"{tool}-{source}: {type(error).__name__}: {str(error)[:600]}", file=sys.stderr
                )
    folder.save()
    return failed == 0
