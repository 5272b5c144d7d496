"""Activations: ReLU in every disguise, masks, and what is no ReLU."""

import torch
import torch.nn.functional as F
from torch import nn

from .torch_parts import conv, head, mask, pattern, random


def activation(name, function, gain=4.0, width=3, parts=dict, **options):
    """conv -> `function` -> conv -> head. `function` takes the network and the activations."""
    return pattern(
        name,
        lambda s, x: s.head(s.last(function(s, s.conv(x)))),
        lambda: dict(
            conv=conv(2, width, gain=gain), last=conv(width, 3, 1), head=head(3), **parts()
        ),
        **options,
    )


def blend(s, x):
    """The masked ReLU of SNL and its successors."""
    return s.mask * F.relu(x) + (1 - s.mask) * x


def masked(name, make, **options):
    return activation(f"mask-{name}", blend, parts=lambda: dict(mask=make()), **options)


CLIPPED = 40.0  # gain that carries many activations past 6

PATTERNS = [
    activation("relu-module", lambda s, x: s.act(x), parts=lambda: dict(act=nn.ReLU(inplace=True))),
    activation("relu-clamp-min", lambda s, x: x.clamp(min=0)),
    activation(
        "relu-maximum",
        lambda s, x: torch.maximum(x, s.zero),
        parts=lambda: dict(zero=torch.zeros(())),
        optional=True,
    ),
    activation(
        "relu6-module",
        lambda s, x: s.act(x),
        CLIPPED,
        parts=lambda: dict(act=nn.ReLU6()),
        legacy=(11, 18),
        dynamo=(18,),
    ),
    activation("relu6-unfolded", lambda s, x: F.relu6(x), CLIPPED, fold=False, legacy=(11, 17)),
    activation(
        "hardtanh-0-6",
        lambda s, x: s.act(x),
        CLIPPED,
        parts=lambda: dict(act=nn.Hardtanh(0.0, 6.0)),
    ),
    activation("clamp-0-1", lambda s, x: torch.clamp(x, 0, 1)),
    activation("clamp-minus1-1", lambda s, x: torch.clamp(x, -1, 1), optional=True),
    activation("hard-sigmoid", lambda s, x: F.hardsigmoid(x), CLIPPED, optional=True),
    activation("prelu-0-1", lambda s, x: s.act(x), parts=lambda: dict(act=prelu([0.0, 1.0, 0.0]))),
    activation("prelu-scalar-0", lambda s, x: s.act(x), parts=lambda: dict(act=prelu([0.0]))),
    activation(
        "prelu-quarter", lambda s, x: s.act(x), parts=lambda: dict(act=prelu([0.25])), optional=True
    ),
    activation("leaky-relu", lambda s, x: F.leaky_relu(x, 0.1), optional=True),
    activation("abs", lambda s, x: x.abs(), optional=True),
    masked("1chw", lambda: mask(1, 3, 6, 6), legacy=(11, 17)),
    masked("1chw-unfolded", lambda: mask(1, 3, 6, 6), fold=False, legacy=(11, 17)),
    masked("chw", lambda: mask(3, 6, 6)),
    masked("c11", lambda: mask(3, 1, 1)),
    masked("1c11", lambda: mask(1, 3, 1, 1)),
    masked("hw", lambda: mask(6, 6)),
    masked("scalar-1", lambda: torch.ones(()), idle=True),
    masked("scalar-1-unfolded", lambda: torch.ones(()), fold=False, idle=True),
    masked("scalar-1111", lambda: torch.ones(1, 1, 1, 1), idle=True),
    masked("parameter", lambda: nn.Parameter(mask(1, 3, 6, 6)), fold=False),
    masked("fraction", lambda: random(1, 3, 1, 1, low=0.2, high=0.8), optional=True),
    activation(
        "mask-other-order",
        lambda s, x: x * (1 - s.mask) + s.mask * F.relu(x),
        parts=lambda: dict(mask=mask(1, 3, 6, 6)),
    ),
    activation(
        "mask-complement-stored",
        lambda s, x: F.relu(x) * s.mask + x * s.rest,
        parts=lambda: complement(mask(1, 3, 6, 6)),
    ),
    activation(
        "mask-difference",
        lambda s, x: x + s.mask * (F.relu(x) - x),
        parts=lambda: dict(mask=mask(1, 3, 6, 6)),
        optional=True,
    ),
    activation(
        "mask-where",
        lambda s, x: torch.where(s.mask, F.relu(x), x),
        parts=lambda: dict(mask=mask(1, 3, 6, 6) > 0),
        legacy=(17,),
        dynamo=(18,),
        optional=True,
    ),
    activation(
        "mask-relu-or-zero",
        lambda s, x: s.mask * F.relu(x),
        parts=lambda: dict(mask=mask(1, 3, 6, 6)),
    ),
    activation(
        "mask-relu6",
        lambda s, x: s.mask * F.relu6(x) + (1 - s.mask) * x,
        CLIPPED,
        parts=lambda: dict(mask=mask(1, 3, 6, 6)),
        optional=True,
    ),
    activation("crelu", lambda s, x: torch.cat([F.relu(x), F.relu(-x)], 1)[:, 1:4]),
    activation("square-mul", lambda s, x: x * x, legacy=(17,), dynamo=(18,), refused=True),
    activation("square-pow", lambda s, x: x**2, legacy=(17,), dynamo=(18,), refused=True),
    activation("quadratic", lambda s, x: 0.1992 + 0.5002 * x + 0.1997 * x**2, refused=True),
    activation("sigmoid", lambda s, x: torch.sigmoid(x), legacy=(17,), dynamo=(18,), refused=True),
    activation("tanh", lambda s, x: torch.tanh(x), refused=True),
    activation("silu", lambda s, x: F.silu(x), refused=True),
    activation("gelu", lambda s, x: F.gelu(x), refused=True),
    activation("hardswish", lambda s, x: F.hardswish(x), refused=True),
    activation("softmax-over-channels", lambda s, x: F.softmax(x, 1), refused=True),
    activation(
        "squeeze-excite",
        lambda s, x: x * torch.sigmoid(s.gate(x.mean((2, 3), keepdim=True))),
        parts=lambda: dict(gate=conv(3, 3, 1)),
        refused=True,
    ),
    activation(
        "product-of-branches",
        lambda s, x: F.relu(x) * F.relu(s.other(x)),
        parts=lambda: dict(other=conv(3, 3, 1)),
        refused=True,
    ),
]


def prelu(slopes):
    layer = nn.PReLU(len(slopes))
    layer.weight.data = torch.tensor(slopes)
    return layer


def complement(ones):
    return dict(mask=ones, rest=1 - ones)
