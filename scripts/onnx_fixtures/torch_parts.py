"""Building blocks of the PyTorch networks."""

import dataclasses
from typing import Callable

import torch
from torch import nn

CLASSES = 3


class Net(nn.Module):
    """A network given by its forward function, its modules and its buffers."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, nn.Parameter) or not isinstance(part, torch.Tensor):
                setattr(self, name, part)
            else:
                self.register_buffer(name, part)

    def forward(self, x):
        return self.function(self, x)


@dataclasses.dataclass
class Pattern:
    """One network, and how it is exported."""

    name: str
    build: Callable[[], nn.Module]
    shape: tuple = (1, 2, 6, 6)
    legacy: tuple = None  # opsets; None: one of the usual ones in turn; (): not exported
    dynamo: tuple = None
    refused: bool = False  # no importer for private inference can take it
    optional: bool = False  # may be refused; if it is taken, the numbers must be right
    fold: bool = True  # False: the exporter leaves batch normalisation and constants alone
    dynamic: bool = False  # symbolic batch size
    idle: bool = False  # has nodes that change nothing, on purpose
    final: str = ""  # softmax, sigmoid, ...: `expected.json` has the logits before it


def pattern(name, function, parts, **options):
    """`parts()` makes the modules after the random generator was seeded with the name."""
    return Pattern(name, lambda: Net(function, **parts()), **options)


def random(*shape, low=-1.0, high=1.0):
    return torch.rand(*shape) * (high - low) + low


def mask(*shape):
    """Zeros and ones, about half of each and at least one of each."""
    flat = (torch.rand(shape).flatten() < 0.5).float()
    flat[0], flat[-1] = 1.0, 0.0
    return flat.reshape(shape)


def conv(inputs, outputs, kernel=3, gain=2.0, shift=0.0, **options):
    """A convolution that keeps the size unless the options say otherwise."""
    if isinstance(kernel, int) and "padding" not in options:
        options["padding"] = kernel // 2
    layer = nn.Conv2d(inputs, outputs, kernel, **options)
    layer.weight.data *= gain
    if layer.bias is not None:
        layer.bias.data += shift
    return layer


def bn(width, kind=nn.BatchNorm2d):
    """Batch normalisation as after training: none of its four vectors is trivial."""
    layer = kind(width)
    layer.weight.data = random(width, low=0.6, high=1.6)
    layer.bias.data = random(width, low=-0.3, high=0.3)
    layer.running_mean.data = random(width, low=-0.3, high=0.3)
    layer.running_var.data = random(width, low=0.2, high=1.2)
    return layer


def linear(inputs, outputs=CLASSES, gain=2.0, **options):
    layer = nn.Linear(inputs, outputs, **options)
    layer.weight.data *= gain
    return layer


def head(width):
    """Global average pooling and a linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear(width, gain=4.0))
