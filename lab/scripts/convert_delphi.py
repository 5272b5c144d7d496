#!/usr/bin/env python3
"""Convert the MiniONN network that Delphi published for CIFAR-10 from Keras HDF5 to ONNX.

    pip install h5py==3.16.0 onnx==1.23.2 numpy==2.4.6
    pip install onnxruntime==1.31.1          # only for --check
    python3 lab/scripts/convert_delphi.py relu_model_quant.h5 delphi.onnx
    python3 lab/scripts/convert_delphi.py relu_model_quant.h5 delphi.onnx --check test_batch.bin
    python3 lab/scripts/convert_delphi.py relu_model_quant.h5 delphi.onnx --activation relu

The file holds weights alone: names of layers, kernels and biases, no strides, paddings or
activations. Those are known from Delphi's `python/minionn/minionn_model.py` and
`minionn_cifar10.py` (github.com/mc2-project/delphi): seven convolutions of stride 1, the 3x3
ones padded to keep the size, 2x2 average pooling after the second and the fourth, then a dense
layer; pixels are divided by 255 and nothing else. The softmax at the end is left out: the
output is the logits. The network is written in NCHW; the rows of the dense layer, which Keras
orders by (row, column, channel), are permuted to match.

Training used `relu(x, max_value=6)`, so ReLU6 is what is written by default (a Clip from 0 to
6). Delphi's own inference uses the plain ReLU instead, which costs one comparison less:
`--activation relu`. At most 0.14 % of a layer's activations exceed 6. Right of CIFAR-10's 10,000
test images, as `--check` prints it: 8,493 with ReLU6, 8,505 with ReLU.

Files called `N_approx_...` belong to networks in which N of the seven activations are the
polynomial 0.1992 + 0.5002 x + 0.1997 x^2. The files do not say which ones, and Tacita has no
polynomial activations, so they are refused.

`--check FILE` runs the written network on a file in CIFAR-10's binary layout (1 + 3072 bytes
an image) and prints its accuracy.
"""

import argparse
import re
import sys

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LABELS = "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck"
# Shapes of the kernels in Keras order (height, width, in, out); True: 2x2 average pooling
# follows the activation.
CONVOLUTIONS = [
    ((3, 3, 3, 64), False),
    ((3, 3, 64, 64), True),
    ((3, 3, 64, 64), False),
    ((3, 3, 64, 64), True),
    ((3, 3, 64, 64), False),
    ((1, 1, 64, 64), False),
    ((1, 1, 64, 16), False),
]
LAST_CHANNELS, LAST_SIDE, CLASSES = 16, 8, 10
RELU6_BOUND = 6.0


class Refused(Exception):
    """The file is not the network that this script knows."""


def refuse_polynomials(path):
    found = re.search(r"(\d+)_approx", path.replace("\\", "/").rsplit("/", 1)[-1])
    if found:
        raise Refused(
            f"{path}: {found[1]} of this network's 7 activations are the polynomial "
            "0.1992 + 0.5002 x + 0.1997 x^2, which Tacita does not compute. "
            "Use relu_model_quant.h5, in which all 7 are ReLU6."
        )


def layer(file, name, kernel_shape):
    """Kernel and bias of one layer, with their shapes checked."""
    tensors = []
    for tensor, shape in (("kernel", kernel_shape), ("bias", kernel_shape[-1:])):
        key = f"{name}/{name}/{tensor}:0"
        if key not in file:
            raise Refused(f"{file.filename}: no tensor {key}; expected Delphi's MiniONN weights")
        value = np.asarray(file[key], dtype=np.float32)
        if value.shape != shape:
            raise Refused(f"{file.filename}: {key} has shape {value.shape}, expected {shape}")
        if not np.isfinite(value).all():
            raise Refused(f"{file.filename}: {key} is not finite")
        tensors.append(value)
    return tensors


class Graph:
    """Nodes and constants in the order in which they are added; each node follows the last."""

    def __init__(self):
        self.nodes, self.constants, self.last = [], [], "image"

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op, name, *constants, **attributes):
        self.nodes.append(
            helper.make_node(op, [self.last, *constants], [name], name=name, **attributes)
        )
        self.last = name


def convolutions(file, graph, relu6):
    if relu6:
        bounds = [
            graph.constant("zero", np.float32(0)),
            graph.constant("six", np.float32(RELU6_BOUND)),
        ]
    else:
        bounds = []
    for i, (shape, pooled) in enumerate(CONVOLUTIONS):
        name = f"conv2d_{i}" if i else "conv2d"
        kernel, bias = layer(file, name, shape)
        weight = graph.constant(f"{name}.weight", kernel.transpose(3, 2, 0, 1))
        bias = graph.constant(f"{name}.bias", bias)
        side = shape[0]
        graph.add("Conv", name, weight, bias, kernel_shape=[side] * 2, pads=[side // 2] * 4)
        graph.add("Clip" if relu6 else "Relu", f"activation_{i + 1}", *bounds)
        if pooled:
            graph.add("AveragePool", f"pool_{i}", kernel_shape=[2, 2], strides=[2, 2])


def dense(file, graph):
    kernel, bias = layer(file, "dense", (LAST_SIDE * LAST_SIDE * LAST_CHANNELS, CLASSES))
    by_place = kernel.reshape(LAST_SIDE, LAST_SIDE, LAST_CHANNELS, CLASSES)
    weight = by_place.transpose(2, 0, 1, 3).reshape(-1, CLASSES)
    graph.add("Flatten", "flatten", axis=1)
    weight = graph.constant("dense.weight", weight)
    graph.add("Gemm", "logits", weight, graph.constant("dense.bias", bias))


def convert(path, relu6=True):
    refuse_polynomials(path)
    graph = Graph()
    with h5py.File(path, "r") as file:
        convolutions(file, graph, relu6)
        dense(file, graph)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    body = helper.make_graph(
        graph.nodes,
        "minionn",
        [value("image", [1, 3, 32, 32])],
        [value("logits", [1, CLASSES])],
        graph.constants,
    )
    model = helper.make_model(
        body,
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=7,
        producer_name="convert_delphi.py",
    )
    metadata = {
        "tacita.mean": "0,0,0",
        "tacita.std": "1,1,1",
        "tacita.labels": LABELS,
        "tacita.weights": "trained",
    }
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return model


def accuracy(model, path):
    """Images classified right and images in all, for one file in CIFAR-10's binary layout."""
    import onnxruntime

    records = np.fromfile(path, dtype=np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for port in (model.graph.input[0], model.graph.output[0]):
        port.type.tensor_type.shape.dim[0].dim_param = "batch"
    session = onnxruntime.InferenceSession(model.SerializeToString())
    right = 0
    for batch in np.array_split(records, max(1, len(records) // 500)):
        images = batch[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / 255
        (logits,) = session.run(None, {"image": images})
        right += int((logits.argmax(axis=1) == batch[:, 0]).sum())
    return right, len(records)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", help="relu_model_quant.h5")
    parser.add_argument("output", help="ONNX file to write")
    parser.add_argument("--activation", choices=["relu6", "relu"], default="relu6")
    parser.add_argument("--check", metavar="BIN", help="CIFAR-10 file to measure accuracy on")
    args = parser.parse_args()
    try:
        model = convert(args.weights, relu6=args.activation == "relu6")
    except (Refused, OSError) as error:
        sys.exit(f"convert_delphi: {error}")
    onnx.save(model, args.output)
    print(f"wrote {args.output}")
    if args.check:
        right, images = accuracy(model, args.check)
        print(f"accuracy: {right} of {images} ({100 * right / images:.2f} %)")


if __name__ == "__main__":
    main()
