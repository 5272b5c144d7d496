#!/usr/bin/env python3
"""Write the ONNX fixtures of model-compiler/tests/fixtures with the real exporters.

Python 3.11 was used. PyTorch and TensorFlow want different versions of NumPy and ONNX, so each
has an environment of its own:

    python3 -m venv venv-torch
    venv-torch/bin/pip install torch==2.11.0 torchvision==0.26.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.31.1 \\
        numpy==2.4.6 onnxsim==0.8.1 onnxslim==0.1.98
    python3 -m venv venv-tf
    venv-tf/bin/pip install tensorflow-cpu==2.15.1 tf2onnx==1.16.1 onnx==1.16.2 \\
        onnxruntime==1.18.1 "numpy<2"

(3 GB and 1.4 GB; the first is large because PyTorch's Linux wheels bring CUDA along, which is
not used.) Then, in this order, each step replacing its own files and entries only:

    FOLDER=model-compiler/tests/fixtures
    venv-torch/bin/python scripts/make_onnx_fixtures.py torch $FOLDER      # 1 to 2 minutes
    venv-torch/bin/python scripts/make_onnx_fixtures.py default $FOLDER
    venv-tf/bin/python scripts/make_onnx_fixtures.py keras $FOLDER
    venv-torch/bin/python scripts/make_onnx_fixtures.py simplify $FOLDER

`torch` uses `torch.onnx.export` with dynamo=False (TorchScript) and with dynamo=True; `default`
says nothing to it but the model, an image and the path, for networks of torchvision narrowed
(`torch_exports/networks.py`), whose weights then lie in a file beside the model; `keras` uses tf2onnx; `simplify` passes some of their files through onnxsim and onnxslim.

Every network has random weights seeded by its name and was never trained; the input is given by
a formula (see `expected.json`); the expected output was computed by the framework, not from the
ONNX file. A fixture is written only if ONNX's checker accepts it, ONNX Runtime reproduces the
framework's output from it, and the removal of any single node that keeps the shape changes that
output (so a reader that drops a node is noticed). Names of modules and lines of source that
PyTorch's exporters record are taken out of the files, and so are the shapes of intermediate
results; nothing else is changed. A second run writes the same bytes, but for the order in which
tf2onnx lays down a few networks.

Patterns are in `onnx_fixtures/torch_*.py` and `onnx_fixtures/keras_patterns.py`. Names that end
in `-unfolded` are exported without constant folding and with batch normalisation left alone.
"""

import argparse
import importlib
import os
import sys

sys.dont_write_bytecode = True
MODULES = {
    "torch": "torch_export",
    "default": "torch_default",
    "keras": "keras_export",
    "simplify": "simplify",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=MODULES)
    parser.add_argument("folder")
    parser.add_argument("--only", default="", help="only names with this in them (to try out)")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    module = importlib.import_module(f"onnx_fixtures.{MODULES[args.what]}")
    sys.exit(not module.make(args.folder, args.only))


if __name__ == "__main__":
    main()
