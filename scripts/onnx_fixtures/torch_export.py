"""Export of the PyTorch networks with both of PyTorch's exporters."""

import contextlib
import io
import logging
import os
import sys
import tempfile
import warnings
import zlib

import onnx
import onnxscript
import torch

from . import (
    torch_activation,
    torch_class,
    torch_convolution,
    torch_linear,
    torch_pooling,
    torch_structure,
)
from .check import check
from .folder import Folder, image

PATTERNS = [
    p
    for module in (
        torch_convolution,
        torch_activation,
        torch_pooling,
        torch_linear,
        torch_structure,
        torch_class,
    )
    for p in module.PATTERNS
]
LEGACY_OPSETS = (11, 13, 15, 17, 20)
DYNAMO_OPSETS = (18, 20)
# Patterns without opsets of their own that both exporters write, because they differ there.
BOTH = """
conv-groups2 mobilenet-v2-block-unfolded conv-same-even prelu-0-1 mask-c11
maxpool3-stride2-pad1 avgpool3-pad1-exclude adaptive-avgpool-2x2
adaptive-avgpool-1-view mlp-matmul-add reshape-dynamic-sizes
normalise-sub-div-unfolded residual-basic inception slice-stride2
""".split()
NAMES = {"input_names": ["image"], "output_names": ["logits"]}


def build(pattern):
    """The network with its seeded weights, ready for inference."""
    torch.manual_seed(zlib.crc32(pattern.name.removesuffix("-unfolded").encode()))
    net = pattern.build().eval()
    with torch.no_grad():
        net(torch.from_numpy(image(pattern.shape)))  # gives lazy layers their shape
    return net


def logits(net, pattern):
    """PyTorch's own logits; the softmax, sigmoid or arg-max that ends some networks is undone
    exactly by not running it."""
    endings = (
        (torch.nn.functional, "softmax"),
        (torch.nn.functional, "log_softmax"),
        (torch, "argmax"),
        (torch, "sigmoid"),
    )
    with torch.no_grad():
        if pattern.final:
            real = [getattr(module, name) for module, name in endings]
            try:
                for module, name in endings:
                    setattr(module, name, lambda y, *_, **__: y)
                plain = net(torch.from_numpy(image(pattern.shape))).numpy()
            finally:
                for (module, name), function in zip(endings, real):
                    setattr(module, name, function)
        else:
            plain = None
        result = net(torch.from_numpy(image(pattern.shape))).numpy()
    return result, result if plain is None else plain


def legacy(net, pattern, opset, path):
    folding = (
        {}
        if pattern.fold
        else {
            "do_constant_folding": False,
            "training": torch.onnx.TrainingMode.PRESERVE,  # still eval: keeps BatchNormalization
        }
    )
    axes = {"image": {0: "batch"}, "logits": {0: "batch"}} if pattern.dynamic else None
    torch.onnx.export(
        net,
        (torch.from_numpy(image(pattern.shape)),),
        path,
        dynamo=False,
        opset_version=opset,
        dynamic_axes=axes,
        **folding,
        **NAMES,
    )


def dynamo(net, pattern, opset, path):
    example = torch.from_numpy(image(pattern.shape))
    shapes = None
    if pattern.dynamic:
        example = example.repeat(2, 1, 1, 1)
        shapes = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(
        net,
        (example,),
        path,
        dynamo=True,
        opset_version=opset,
        external_data=False,
        verbose=False,
        optimize=pattern.fold,
        dynamic_shapes=shapes,
        **NAMES,
    )


def stripped(path):
    """The model at a path, stripped."""
    return unlocated(onnx.load(path))


def unlocated(model):
    """The model without what tells where and from which source line it was exported, and
    without the shapes of intermediate results (a quarter of the newer exporter's files)."""
    graph = model.graph
    for part in [
        model,
        graph,
        *graph.node,
        *graph.value_info,
        *graph.input,
        *graph.output,
        *graph.initializer,
    ]:
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        part.ClearField("doc_string")
    del graph.value_info[:]
    return model


@contextlib.contextmanager
def quiet():
    """Exporters talk a lot; what they say is shown only if they fail."""
    said = io.StringIO()
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def export(folder, exporter, function, pattern, opset):
    net = build(pattern)
    result, plain = logits(net, pattern)
    with tempfile.TemporaryDirectory() as place, quiet():
        path = os.path.join(place, "net.onnx")
        function(net, pattern, opset, path)
        model = stripped(path)
    check(model, image(pattern.shape), result, opset, idle=pattern.idle or pattern.refused)
    folder.add(
        model,
        exporter,
        opset,
        pattern.name,
        pattern.shape,
        plain,
        refused=pattern.refused,
        optional=pattern.optional,
        final=pattern.final,
    )


def exports(pattern, turn):
    """Exporters and opsets of a pattern. Unless it names its own: one opset, and one exporter,
    each in turn; both exporters where that is worth it."""
    either = pattern.legacy is pattern.dynamo is None and pattern.name not in BOTH
    for which, (exporter, function, opsets, usual) in enumerate(
        (
            ("legacy", legacy, pattern.legacy, LEGACY_OPSETS),
            ("dynamo", dynamo, pattern.dynamo, DYNAMO_OPSETS),
        )
    ):
        if either and turn % 2 != which:
            continue
        for opset in (usual[turn % len(usual)],) if opsets is None else opsets:
            yield exporter, function, opset


def make(path, only):
    """Write all fixtures whose name contains `only`. False if any exporter failed."""
    folder = Folder(path, ("legacy", "dynamo"))
    versions = f"torch {torch.__version__}"
    folder.exporters["legacy"] = f"{versions}, torch.onnx.export(dynamo=False)"
    folder.exporters["dynamo"] = (
        f"{versions}, onnxscript {onnxscript.__version__}, torch.onnx.export(dynamo=True)"
    )
    failed = 0
    for i, pattern in enumerate(PATTERNS):
        for exporter, function, opset in exports(pattern, i):
            name = f"{exporter}-{opset}-{pattern.name}"
            if only not in name:
                continue
            try:
                export(folder, exporter, function, pattern, opset)
            except Exception as error:  # any: the next pattern may still do
                failed += 1
                print(f"{name}: {type(error).__name__}: {str(error)[:600]}", file=sys.stderr)
    folder.save()
    return failed == 0
