"""Keras networks, as users of TensorFlow write them: images are NHWC, padding is "same"."""

import dataclasses
from typing import Callable

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers as L


@dataclasses.dataclass
class Pattern:
    """One network. `shape` is NCHW; `nchw` asks tf2onnx for an NCHW input."""

    name: str
    build: Callable
    shape: tuple = (1, 2, 6, 6)
    opset: int = None
    nchw: bool = False
    dynamic: bool = False
    refused: bool = False
    optional: bool = False
    final: str = ""


def model(pattern, rng):
    """The Keras model with seeded weights; none of batch normalisation's are trivial."""
    batch = None if pattern.dynamic else 1
    _, c, h, w = pattern.shape
    inputs = tf.keras.Input((h, w, c), batch_size=batch, name="image")
    net = tf.keras.Model(inputs, pattern.build(inputs))
    for layer in net.layers:
        layer.set_weights([weight(v.name, v.shape, rng) for v in layer.weights])
    return net


def weight(name, shape, rng):
    low, high = (0.3, 1.3) if "gamma" in name or "variance" in name else (-0.3, 0.3)
    if "kernel" in name:
        high = 2.0 / np.sqrt(np.prod(shape[:-1]))
        low = -high
        if "depthwise" in name:
            high, low = 0.8, -0.8
    return rng.uniform(low, high, shape).astype(np.float32)


def end(x):
    return L.Dense(3, name="logits")(L.GlobalAveragePooling2D()(x))


def conv_bn_relu(x):
    return end(L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False)(x))))


def same_stride2(x):
    return end(L.Conv2D(3, 3, 2, padding="same", activation="relu")(x))


def valid(x):
    return end(L.Conv2D(3, 3, activation="relu")(x))


def zero_padding(x):
    x = L.ZeroPadding2D(((0, 1), (0, 1)))(x)
    return end(L.Conv2D(3, 3, 2, padding="valid", activation="relu")(x))


def mobilenet(x):
    y = L.ReLU(6.0)(L.BatchNormalization()(50 * L.Conv2D(6, 1, use_bias=False)(x)))
    y = L.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = L.ReLU(6.0)(L.BatchNormalization()(y))
    y = L.BatchNormalization()(L.Conv2D(2, 1, use_bias=False)(y))
    return end(L.Add()([x, y]))


def separable(x):
    return end(L.SeparableConv2D(4, 3, padding="same", activation="relu")(x))


def dilated(x):
    return end(L.Conv2D(3, 3, padding="same", dilation_rate=2, activation="relu")(x))


def residual(x):
    x = L.Conv2D(3, 3, padding="same", activation="relu")(x)
    y = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, 2, padding="same")(x)))
    y = L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(y))
    short = L.BatchNormalization()(L.Conv2D(4, 1, 2, padding="same")(x))
    return end(L.ReLU()(L.Add()([y, short])))


def preactivation(x):
    x = L.Conv2D(3, 3, padding="same")(x)
    y = L.Conv2D(3, 3, padding="same")(L.ReLU()(L.BatchNormalization()(x)))
    return end(L.ReLU()(L.BatchNormalization()(L.Add()([x, y]))))


def concatenation(x):
    a = L.Conv2D(4, 1, activation="relu")(x)
    b = L.Conv2D(3, 3, padding="same", activation="relu")(x)
    x = L.ReLU()(L.BatchNormalization()(L.Concatenate()([a, b])))
    return end(L.Conv2D(3, 3, padding="same")(x))


def flatten_dense(x):
    x = L.Conv2D(3, 3, padding="same", activation="relu")(x)
    x = L.Flatten()(L.MaxPooling2D()(x))
    return L.Dense(3, name="logits")(L.Dense(5, activation="relu")(x))


def pools(x):
    x = L.Conv2D(3, 3, padding="same", activation="relu")(x)
    x = L.MaxPooling2D(3, 2, padding="same")(x)
    return L.Dense(3, name="logits")(L.Flatten()(x))


def average_pools(x):
    x = L.Conv2D(3, 3, padding="same", activation="relu")(x)
    return L.Dense(3, name="logits")(L.Flatten()(L.AveragePooling2D()(x)))


def average_same(x):
    x = L.Conv2D(3, 3, padding="same", activation="relu")(x)
    return L.Dense(3, name="logits")(L.Flatten()(L.AveragePooling2D(3, 2, padding="same")(x)))


def rescaled(x):
    x = L.Rescaling(1 / 0.5, offset=-0.1)(x)
    return end(L.Conv2D(3, 3, padding="same", activation="relu")(x))


def normalised(x):
    x = (x - tf.constant([0.1, -0.05])) / tf.constant([0.5, 0.25])
    return end(L.Conv2D(3, 3, padding="same", activation="relu")(x))


def softmax(x):
    x = L.GlobalAveragePooling2D()(L.Conv2D(3, 3, padding="same", activation="relu")(x))
    return L.Dense(3, activation="softmax", name="logits")(x)


def prelu(x):
    x = L.Conv2D(3, 3, padding="same")(x)
    return end(L.PReLU(shared_axes=[1, 2])(x))


def dropout(x):
    x = L.Dropout(0.3)(L.Conv2D(3, 3, padding="same", activation="relu")(x))
    return L.Dense(3, name="logits")(L.Dropout(0.5)(L.GlobalAveragePooling2D(keepdims=False)(x)))


def mean_keepdims(x):
    x = L.GlobalAveragePooling2D(keepdims=True)(
        L.Conv2D(3, 3, padding="same", activation="relu")(x)
    )
    return L.Flatten()(L.Conv2D(3, 1, name="logits")(x))


def masked(x):
    x = L.Conv2D(3, 3, padding="same")(x)
    ones = (np.arange(108).reshape(1, 6, 6, 3) * 7 % 5 < 2).astype(np.float32)
    return end(ones * tf.nn.relu(x) + (1 - ones) * x)


def squared(x):
    return end(tf.square(L.Conv2D(3, 3, padding="same")(x)))


def sigmoid(x):
    return end(L.Conv2D(3, 3, padding="same", activation="sigmoid")(x))


def swish(x):
    return end(L.Conv2D(3, 3, padding="same", activation="swish")(x))


PATTERNS = [
    Pattern("conv-bn-relu", conv_bn_relu, shape=(1, 3, 8, 8), opset=11),
    Pattern("conv-bn-relu-nchw-input", conv_bn_relu, nchw=True, opset=15),
    Pattern("conv-bn-relu-dynamic", conv_bn_relu, dynamic=True, opset=18),
    Pattern("conv-same-stride2", same_stride2),
    Pattern("conv-same-stride2-odd", same_stride2, shape=(1, 2, 7, 7)),
    Pattern("conv-valid", valid),
    Pattern("conv-dilated", dilated),
    Pattern("zero-padding", zero_padding),
    Pattern("mobilenet-block", mobilenet, opset=18),
    Pattern("separable", separable),
    Pattern("residual", residual, opset=13),
    Pattern("residual-nchw-input-dynamic", residual, opset=15, nchw=True, dynamic=True),
    Pattern("residual-preactivation", preactivation),
    Pattern("concatenation", concatenation),
    Pattern("flatten-dense", flatten_dense, opset=11),
    Pattern("flatten-dense-dynamic", flatten_dense, opset=13, dynamic=True),
    Pattern("flatten-dense-nchw-input", flatten_dense, nchw=True),
    Pattern("maxpool3-same", pools, opset=17),
    Pattern("avgpool2", average_pools),
    Pattern("avgpool3-same", average_same),
    Pattern("rescaling", rescaled),
    Pattern("normalisation", normalised),
    Pattern("end-softmax", softmax, final="softmax"),
    Pattern("prelu", prelu, optional=True),
    Pattern("dropout", dropout),
    Pattern("mean-keepdims", mean_keepdims),
    Pattern("mask", masked),
    Pattern("square", squared, refused=True),
    Pattern("sigmoid", sigmoid, refused=True),
    Pattern("swish", swish, refused=True),
]
