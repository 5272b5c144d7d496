"""Export of the Keras networks with tf2onnx."""

import sys
import zlib

import numpy as np
import tensorflow as tf
import tf2onnx

from . import keras_patterns
from .check import check
from .folder import Folder, image

OPSETS = (11, 13, 15, 17, 18)


def logits(net, value):
    """What Keras predicts, and the same before a softmax that ends the network."""
    result = net.predict(value, verbose=0)
    last = net.layers[-1]
    if getattr(last, "activation", None) is not tf.keras.activations.softmax:
        return result, result
    before = tf.keras.Model(net.input, last.input).predict(value, verbose=0)
    kernel, bias = last.get_weights()
    return result, before @ kernel + bias


def export(folder, pattern, opset):
    rng = np.random.default_rng(zlib.crc32(pattern.name.encode()))
    tf.keras.backend.clear_session()  # layers are numbered from 1 again
    net = keras_patterns.model(pattern, rng)
    nhwc = image(pattern.shape).transpose(0, 2, 3, 1)
    result, plain = logits(net, nhwc)
    batch = None if pattern.dynamic else 1
    spec = (tf.TensorSpec((batch, *nhwc.shape[1:]), tf.float32, name="image"),)
    nchw = ["image"] if pattern.nchw else None
    model, _ = tf2onnx.convert.from_keras(net, spec, opset=opset, inputs_as_nchw=nchw)
    value = image(pattern.shape) if pattern.nchw else nhwc
    check(model, value, result, opset, idle=pattern.refused)
    folder.add(
        model,
        "tf2onnx",
        opset,
        pattern.name,
        pattern.shape,
        plain,
        layout="NCHW" if pattern.nchw else "NHWC",
        refused=pattern.refused,
        optional=pattern.optional,
        final=pattern.final,
    )


def make(path, only):
    """Write all fixtures whose name contains `only`. False if any failed."""
    folder = Folder(path, ("tf2onnx",))
    folder.exporters["tf2onnx"] = f"tf2onnx {tf2onnx.__version__}, TensorFlow {tf.__version__}"
    failed = 0
    for i, pattern in enumerate(keras_patterns.PATTERNS):
        opset = pattern.opset or OPSETS[i % len(OPSETS)]
        name = f"tf2onnx-{opset}-{pattern.name}"
        if only not in name:
            continue
        try:
            export(folder, pattern, opset)
        except Exception as error:  # any: the next pattern may still do
            failed += 1
            print(f"{name}: {type(error).__name__}: {str(error)[:600]}", file=sys.stderr)
    folder.save()
    return failed == 0
