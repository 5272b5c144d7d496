"""Linear layers, shapes, the end of the network and its input."""

import torch
import torch.nn.functional as F
from torch import nn

from .torch_parts import bn, conv, head, linear, pattern, random


def shaped(name, function, **options):
    """conv (stride 2, to 3 maps of 3x3) -> ReLU -> `function`, which leaves [1, 27] -> linear."""
    return pattern(
        name,
        lambda s, x: s.fc(function(F.relu(s.conv(x)))),
        lambda: dict(conv=conv(2, 3, stride=2), fc=linear(27)),
        **options,
    )


def preprocessed(name, function, **options):
    """`function` on the image, then conv -> ReLU -> head."""
    return pattern(
        name,
        lambda s, x: s.head(F.relu(s.conv(function(s, x)))),
        lambda: dict(
            conv=conv(3, 4),
            head=head(4),
            centre=torch.tensor([0.1, -0.05, 0.02]).view(1, 3, 1, 1),
            std=torch.tensor([0.5, 0.25, 0.4]).view(1, 3, 1, 1),
        ),
        shape=(1, 3, 8, 8),
        **options,
    )


def ended(name, function, **options):
    return pattern(
        name,
        lambda s, x: function(s, s.head(F.relu(s.conv(x)))),
        lambda: dict(conv=conv(2, 3), head=head(3)),
        **options,
    )


PATTERNS = [
    pattern(
        "mlp-gemm",
        lambda s, x: s.b(F.relu(s.a(x.flatten(1)))),
        lambda: dict(a=linear(72, 4), b=linear(4)),
    ),
    pattern(
        "mlp-no-bias",
        lambda s, x: s.b(F.relu(s.a(x.flatten(1)))),
        lambda: dict(a=linear(72, 4, bias=False), b=linear(4, bias=False)),
    ),
    pattern(
        "mlp-matmul-add",
        lambda s, x: F.relu(x.flatten(1) @ s.a + s.c) @ s.b + s.d,
        lambda: {
            k: nn.Parameter(random(*n, low=-0.5, high=0.5))
            for k, n in dict(a=(72, 4), b=(4, 3), c=(4,), d=(3,)).items()
        },
    ),
    pattern(
        "mlp-addmm",
        lambda s, x: torch.addmm(s.c, x.flatten(1), s.a),
        lambda: dict(a=nn.Parameter(random(72, 3)), c=nn.Parameter(random(1, 3))),
    ),
    pattern(
        "linear-on-3d",
        lambda s, x: s.b(F.relu(s.a(x.flatten(1).unsqueeze(1)))).squeeze(1),
        lambda: dict(a=linear(72, 4), b=linear(4)),
        legacy=(11, 17),
    ),
    pattern(
        "linear-on-3d-per-channel",
        lambda s, x: s.b(F.relu(s.a(x.flatten(2))).flatten(1)),
        lambda: dict(a=linear(36, 3), b=linear(6)),
        optional=True,
    ),
    pattern(
        "linear-bn1d-unfolded",
        lambda s, x: s.b(F.relu(s.bn(s.a(x.flatten(1))))),
        lambda: dict(a=linear(72, 4), bn=bn(4, nn.BatchNorm1d), b=linear(4)),
        fold=False,
    ),
    shaped("view-minus1", lambda x: x.view(x.size(0), -1)),
    shaped("view-constant", lambda x: x.view(1, 27)),
    shaped("view-minus1-fixed", lambda x: x.view(-1, 3 * 3 * 3)),
    shaped("flatten", lambda x: torch.flatten(x, 1)),
    shaped(
        "reshape-dynamic-view",
        lambda x: x.view(x.size(0), -1),
        dynamic=True,
        legacy=(11, 13),
        dynamo=(18,),
    ),
    shaped(
        "reshape-dynamic-view-unfolded", lambda x: x.view(x.size(0), -1), dynamic=True, fold=False
    ),
    shaped(
        "reshape-dynamic-sizes",
        lambda x: x.reshape(x.shape[0], x.shape[1] * x.shape[2] * x.shape[3]),
        dynamic=True,
    ),
    shaped("reshape-dynamic-flatten", lambda x: torch.flatten(x, 1), dynamic=True),
    shaped("flatten-channels-last", lambda x: x.permute(0, 2, 3, 1).flatten(1)),
    shaped(
        "flatten-channels-last-dynamic",
        lambda x: x.permute(0, 2, 3, 1).reshape(x.size(0), -1),
        dynamic=True,
    ),
    pattern(
        "permute-there-and-back",
        lambda s, x: s.head(F.relu(s.b(F.relu(s.a(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)))),
        lambda: dict(a=conv(2, 3), b=conv(3, 3), head=head(3)),
    ),
    pattern(
        "channels-last-linear",
        lambda s, x: s.head(F.relu(s.b(F.relu(s.a(x)).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)),
        lambda: dict(a=conv(2, 3), b=linear(3, 4), head=head(4)),
        idle=True,
        optional=True,
    ),
    ended("end-softmax", lambda s, y: F.softmax(y, 1), final="softmax", legacy=(11, 13)),
    ended(
        "end-log-softmax", lambda s, y: F.log_softmax(y, 1), final="log_softmax", legacy=(11, 13)
    ),
    ended("end-softmax-last-axis", lambda s, y: F.softmax(y, dim=-1), final="softmax"),
    ended("end-scaled", lambda s, y: y / 2.5 + 0.5),
    ended("end-sigmoid", lambda s, y: torch.sigmoid(y), final="sigmoid"),
    pattern(
        "dropout",
        lambda s, x: s.fc(s.drop(F.max_pool2d(s.drop2(F.relu(s.conv(x))), 2).flatten(1))),
        lambda: dict(conv=conv(2, 3), drop2=nn.Dropout2d(0.3), drop=nn.Dropout(0.5), fc=linear(27)),
        legacy=(11, 17),
    ),
    pattern(
        "dropout-unfolded",
        lambda s, x: s.fc(s.drop(F.max_pool2d(F.relu(s.conv(x)), 2).flatten(1))),
        lambda: dict(conv=conv(2, 3), drop=nn.Dropout(0.5), fc=linear(27)),
        fold=False,
    ),
    pattern(
        "identity",
        lambda s, x: s.head(s.skip(F.relu(s.conv(s.skip(x))))),
        lambda: dict(conv=conv(2, 3), skip=nn.Identity(), head=head(3)),
    ),
    pattern(
        "identity-of-equal-weights",
        lambda s, x: s.head(F.relu(s.bn2(s.b(F.relu(s.bn1(s.a(x))))))),
        lambda: twins(),
        fold=False,
    ),
    preprocessed("normalise-sub-div", lambda s, x: (x - s.centre) / s.std),
    preprocessed("normalise-sub-div-unfolded", lambda s, x: (x - s.centre) / s.std, fold=False),
    preprocessed("normalise-mul-add", lambda s, x: x * (1 / s.std) + (-s.centre / s.std)),
    preprocessed("normalise-scalar", lambda s, x: (x * 2 - 1) / 0.5),
    preprocessed("normalise-per-pixel", lambda s, x: x - s.centre.expand(1, 3, 8, 8)),
    preprocessed("normalise-reversed-channels", lambda s, x: x[:, [2, 1, 0]], optional=True),
]


def twins():
    """Two batch normalisations with equal contents: the older exporter stores them once and
    puts Identity nodes in place of the other."""
    parts = dict(a=conv(2, 3), bn1=bn(3), b=conv(3, 3), bn2=bn(3), head=head(3))
    parts["bn2"].load_state_dict(parts["bn1"].state_dict())
    return parts
