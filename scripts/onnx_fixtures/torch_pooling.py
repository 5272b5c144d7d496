"""Pooling, means and what comes between the last map and the logits."""

import torch
import torch.nn.functional as F
from torch import nn

from .torch_parts import conv, head, linear, pattern


def pooled(name, function, **options):
    """conv -> ReLU -> `function` -> flatten -> linear over whatever is left."""

    def build():
        return dict(conv=conv(2, 3), fc=nn.LazyLinear(3))

    return pattern(
        name, lambda s, x: s.fc(function(F.relu(s.conv(x))).flatten(1)), build, **options
    )


def averaged(name, function, **options):
    """conv -> ReLU -> `function`, which leaves [1, 3] -> linear."""
    return pattern(
        name,
        lambda s, x: s.fc(function(F.relu(s.conv(x)))),
        lambda: dict(conv=conv(2, 3), fc=linear(3, gain=4.0)),
        **options,
    )


PATTERNS = [
    pooled("maxpool2", lambda x: F.max_pool2d(x, 2)),
    pooled("maxpool3-stride2-pad1", lambda x: F.max_pool2d(x, 3, 2, 1)),
    pooled("maxpool2-stride1", lambda x: F.max_pool2d(x, 2, 1)),
    pooled(
        "maxpool-global",
        lambda x: F.adaptive_max_pool2d(x, 1),
        legacy=(17,),
        dynamo=(),
        idle=True,
        optional=True,
    ),
    pattern(
        "maxpool-before-relu",
        lambda s, x: s.head(F.relu(s.b(F.relu(F.max_pool2d(s.a(x), 2))))),
        lambda: dict(a=conv(2, 3), b=conv(3, 3), head=head(3)),
    ),
    pattern(
        "maxpool3-pad1-before-relu",
        lambda s, x: s.head(F.relu(F.max_pool2d(s.a(x), 3, 2, 1))),
        lambda: dict(a=conv(2, 3, shift=-0.8), head=head(3)),
    ),
    pattern(
        "maxpool-without-relu",
        lambda s, x: s.head(F.relu(s.b(F.max_pool2d(s.a(x), 2)))),
        lambda: dict(a=conv(2, 3), b=conv(3, 3), head=head(3)),
    ),
    pooled("avgpool2", lambda x: F.avg_pool2d(x, 2), legacy=(11,), dynamo=(20,)),
    pooled("avgpool3-pad1-include", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=True)),
    pooled("avgpool3-pad1-exclude", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
    pooled(
        "avgpool2-ceil",
        lambda x: F.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False),
        shape=(1, 2, 5, 5),
        optional=True,
    ),
    pooled("adaptive-avgpool-2x2", lambda x: F.adaptive_avg_pool2d(x, 2)),
    averaged("adaptive-avgpool-1-view", lambda x: F.adaptive_avg_pool2d(x, 1).view(x.size(0), -1)),
    averaged("adaptive-avgpool-1-flatten", lambda x: torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)),
    averaged("avgpool-whole-view", lambda x: F.avg_pool2d(x, x.size()[3]).view(x.size(0), -1)),
    averaged("mean-2-3", lambda x: x.mean([2, 3]), legacy=(11, 17, 18), dynamo=(18,)),
    averaged("mean-keepdim", lambda x: x.mean((2, 3), keepdim=True).flatten(1), legacy=(18,)),
    averaged("mean-negative-axes", lambda x: x.mean((-2, -1))),
    averaged("mean-twice", lambda x: x.mean(3).mean(2)),
    averaged("mean-flattened", lambda x: x.flatten(2).mean(2)),
    averaged("sum-2-3", lambda x: x.sum((2, 3)) / 36, legacy=(11, 17)),
    averaged(
        "squeeze-two-axes",
        lambda x: F.adaptive_avg_pool2d(x, 1).squeeze(3).squeeze(2),
        legacy=(11, 13),
    ),
    averaged("squeeze-last-twice", lambda x: F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1)),
    averaged(
        "squeeze-axes-tuple", lambda x: F.adaptive_avg_pool2d(x, 1).squeeze((2, 3)), legacy=()
    ),
    averaged(
        "unsqueeze-squeeze",
        lambda x: x.mean((2, 3)).unsqueeze(2).unsqueeze(3).squeeze(3).squeeze(2),
    ),
]
