"""Convolutions, padding and batch normalisation."""

import torch.nn.functional as F
from torch import nn

from .torch_parts import bn, conv, head, pattern, random

PATTERNS = [
    pattern(
        "conv-bn-relu",
        lambda s, x: s.head(F.relu(s.bn(s.conv(x)))),
        lambda: dict(conv=conv(3, 4, bias=False), bn=bn(4), head=head(4)),
        shape=(1, 3, 8, 8),
        legacy=(11, 20),
    ),
    pattern(
        "conv-bn-relu-unfolded",
        lambda s, x: s.head(F.relu(s.bn(s.conv(x)))),
        lambda: dict(conv=conv(2, 3, bias=False), bn=bn(3), head=head(3)),
        legacy=(11, 15),
        fold=False,
    ),
    pattern(
        "conv-bias-bn-unfolded",
        lambda s, x: s.head(F.relu(s.bn(s.conv(x)))),
        lambda: dict(conv=conv(2, 3), bn=bn(3), head=head(3)),
        fold=False,
    ),
    pattern(
        "conv-stride2",
        lambda s, x: s.head(F.relu(s.conv(x))),
        lambda: dict(conv=conv(2, 3, stride=2), head=head(3)),
    ),
    pattern(
        "conv-rectangular",
        lambda s, x: s.head(F.relu(s.conv(x))),
        lambda: dict(conv=conv(2, 3, (5, 3), padding=(2, 1), stride=(2, 1)), head=head(3)),
    ),
    pattern(
        "conv-groups2",
        lambda s, x: s.head(F.relu(s.b(F.relu(s.a(x))))),
        lambda: dict(a=conv(2, 4), b=conv(4, 6, groups=2), head=head(6)),
    ),
    pattern(
        "conv-dilation2",
        lambda s, x: s.head(F.relu(s.conv(x))),
        lambda: dict(conv=conv(2, 3, dilation=2, padding=2), head=head(3)),
    ),
    pattern(
        "conv-depthwise",
        lambda s, x: s.head(F.relu(s.point(F.relu(s.depth(x))))),
        lambda: dict(depth=conv(3, 3, groups=3), point=conv(3, 4, 1), head=head(4)),
        shape=(1, 3, 8, 8),
    ),
    pattern(
        "conv-depthwise-multiplier2",
        lambda s, x: s.head(F.relu(s.depth(x))),
        lambda: dict(depth=conv(2, 4, groups=2, stride=2), head=head(4)),
    ),
    pattern(
        "mobilenet-v2-block",
        lambda s, x: s.head(x + s.project(s.depth(s.expand(x)))),
        lambda: dict(
            expand=nn.Sequential(conv(3, 6, 1, gain=20.0, bias=False), bn(6), nn.ReLU6()),
            depth=nn.Sequential(conv(6, 6, gain=4.0, groups=6, bias=False), bn(6), nn.ReLU6()),
            project=nn.Sequential(conv(6, 3, 1, bias=False), bn(3)),
            head=head(3),
        ),
        shape=(1, 3, 8, 8),
    ),
    pattern(
        "mobilenet-v2-block-unfolded",
        lambda s, x: s.head(x + s.project(s.depth(s.expand(x)))),
        lambda: dict(
            expand=nn.Sequential(conv(3, 6, 1, gain=20.0, bias=False), bn(6), nn.ReLU6()),
            depth=nn.Sequential(conv(6, 6, gain=4.0, groups=6, bias=False), bn(6), nn.ReLU6()),
            project=nn.Sequential(conv(6, 3, 1, bias=False), bn(3)),
            head=head(3),
        ),
        shape=(1, 3, 8, 8),
        fold=False,
    ),
    pattern(
        "pad-asymmetric",
        lambda s, x: s.head(F.relu(s.conv(F.pad(x, (1, 2, 0, 1))))),
        lambda: dict(conv=conv(2, 3, stride=2, padding=0), head=head(3)),
        legacy=(11, 18),
        dynamo=(18,),
    ),
    pattern(
        "pad-asymmetric-unfolded",
        lambda s, x: s.head(F.relu(s.conv(F.pad(x, (1, 2, 0, 1))))),
        lambda: dict(conv=conv(2, 3, stride=2, padding=0), head=head(3)),
        legacy=(11, 19),
        fold=False,
    ),
    pattern(
        "pad-zeropad2d",
        lambda s, x: s.head(F.relu(s.conv(s.pad(x)))),
        lambda: dict(
            pad=nn.ZeroPad2d((0, 1, 0, 1)), conv=conv(2, 3, stride=2, padding=0), head=head(3)
        ),
    ),
    pattern(
        "pad-then-padded-conv",
        lambda s, x: s.head(F.relu(s.conv(F.pad(x, (1, 0, 1, 0))))),
        lambda: dict(conv=conv(2, 3, stride=2), head=head(3)),
    ),
    pattern(
        "pad-nonzero",
        lambda s, x: s.head(F.relu(s.conv(F.pad(x, (1, 1, 1, 1), value=0.5)))),
        lambda: dict(conv=conv(2, 3, padding=0), head=head(3)),
        optional=True,
    ),
    pattern(
        "pad-reflect",
        lambda s, x: s.head(F.relu(s.conv(F.pad(x, (1, 1, 1, 1), mode="reflect")))),
        lambda: dict(conv=conv(2, 3, padding=0), head=head(3)),
        optional=True,
    ),
    pattern(
        "pad-after-relu",
        lambda s, x: s.head(F.relu(s.b(F.pad(F.relu(s.a(x)), (0, 1, 0, 1))))),
        lambda: dict(a=conv(2, 3), b=conv(3, 3, stride=2, padding=0), head=head(3)),
    ),
    pattern(
        "conv-same-even",
        lambda s, x: s.head(F.relu(s.conv(x))),
        lambda: dict(conv=conv(2, 3, 4, padding="same"), head=head(3)),
    ),
    pattern(
        "conv-classifier-whole-map",
        lambda s, x: s.last(F.relu(s.conv(x))).flatten(1),
        lambda: dict(conv=conv(2, 3), last=conv(3, 3, 6, padding=0)),
    ),
    pattern(
        "conv-classifier-1x1",
        lambda s, x: F.adaptive_avg_pool2d(s.last(F.relu(s.conv(x))), 1).flatten(1),
        lambda: dict(conv=conv(2, 4), last=conv(4, 3, 1)),
    ),
    pattern(
        "bn-first",
        lambda s, x: s.head(F.relu(s.conv(s.bn(x)))),
        lambda: dict(conv=conv(2, 3), bn=bn(2), head=head(3)),
    ),
    pattern(
        "bn-after-pool-and-linear",
        lambda s, x: s.last(
            F.relu(s.bn1(s.fc(s.bn(F.max_pool2d(F.relu(s.conv(x)), 2)).flatten(1))))
        ),
        lambda: dict(
            conv=conv(2, 2),
            bn=bn(2),
            fc=nn.Linear(18, 4),
            bn1=bn(4, nn.BatchNorm1d),
            last=nn.Linear(4, 3),
        ),
    ),
    pattern(
        "affine-per-channel",
        lambda s, x: s.head(F.relu(s.conv(x) * s.scale.view(1, -1, 1, 1) + s.shift[:, None, None])),
        lambda: dict(
            conv=conv(2, 3),
            scale=nn.Parameter(random(3)),
            shift=nn.Parameter(random(3)),
            head=head(3),
        ),
    ),
    pattern(
        "group-norm",
        lambda s, x: s.head(F.relu(s.norm(s.conv(x)))),
        lambda: dict(conv=conv(2, 4), norm=nn.GroupNorm(2, 4), head=head(4)),
        refused=True,
    ),
    pattern(
        "layer-norm",
        lambda s, x: s.head(F.relu(s.norm(s.conv(x)))),
        lambda: dict(conv=conv(2, 3), norm=nn.LayerNorm((3, 6, 6)), head=head(3)),
        refused=True,
    ),
    pattern(
        "transposed-conv",
        lambda s, x: s.head(F.relu(s.up(F.relu(s.conv(x))))),
        lambda: dict(conv=conv(2, 3, stride=2), up=nn.ConvTranspose2d(3, 2, 2, 2), head=head(2)),
        optional=True,
    ),
]
