"""Networks with branches: residual blocks, concatenation, slices."""

import torch
import torch.nn.functional as F
from torch import nn

from .torch_parts import bn, conv, head, pattern


def unit(inputs, outputs, kernel=3, **options):
    """Convolution and batch normalisation."""
    return nn.Sequential(conv(inputs, outputs, kernel, bias=False, **options), bn(outputs))


def residual():
    return dict(stem=unit(2, 3), a=unit(3, 3), b=unit(3, 3), head=head(3))


def basic(s, x):
    x = F.relu(s.stem(x))
    return s.head(F.relu(s.b(F.relu(s.a(x))) + x))


def option_a(s, x):
    """akamaster/pytorch_resnet_cifar10, planes = 4."""
    x = F.relu(s.stem(x))
    planes = 4
    short = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, planes // 4, planes // 4), "constant", 0)
    out = F.relu(s.b(F.relu(s.a(x))) + short)
    return s.fc(F.avg_pool2d(out, out.size()[3]).view(out.size(0), -1))


def option_a_parts():
    return dict(stem=unit(2, 2), a=unit(2, 4, stride=2), b=unit(4, 4), fc=nn.Linear(4, 3))


def option_b(s, x):
    x = F.relu(s.stem(x))
    return s.head(F.relu(s.b(F.relu(s.a(x))) + s.short(x)))


def preactivation(s, x):
    """Block of WideResNet: batch normalisation reads what the shortcut carries on."""
    x = s.stem(x)
    out = s.conv2(F.relu(s.bn2(s.conv1(F.relu(s.bn1(x))))))
    return s.head(F.relu(s.bn3(out + x)))


def preactivation_parts():
    return dict(
        stem=conv(2, 3, bias=False),
        bn1=bn(3),
        conv1=conv(3, 3, bias=False),
        bn2=bn(3),
        conv2=conv(3, 3, bias=False),
        bn3=bn(3),
        head=head(3),
    )


def preactivation_wider(s, x):
    """As above, but the first block of a stage: the shortcut starts after the activation."""
    y = F.relu(s.bn1(s.stem(x)))
    out = s.conv2(F.relu(s.bn2(s.conv1(y))))
    return s.head(F.relu(s.bn3(out + s.short(y))))


def inception(s, x):
    x = F.relu(s.stem(x))
    branches = [F.relu(s.one(x)), F.relu(s.three(x)), s.pool(F.max_pool2d(x, 3, 1, 1))]
    return s.head(s.last(F.relu(s.bn(torch.cat(branches, 1)))))


def densenet(s, x):
    x = s.stem(x)
    for norm, layer in ((s.bn1, s.conv1), (s.bn2, s.conv2)):
        x = torch.cat([x, layer(F.relu(norm(x)))], 1)
    return s.head(F.relu(s.bn3(F.avg_pool2d(s.last(F.relu(x)), 2))))


def densenet_parts():
    return dict(
        stem=conv(2, 2),
        bn1=bn(2),
        conv1=conv(2, 2, bias=False),
        bn2=bn(4),
        conv2=conv(4, 2, bias=False),
        last=conv(6, 3, 1),
        bn3=bn(3),
        head=head(3),
    )


def shuffle(s, x):
    x = F.relu(s.a(x))
    n, c, h, w = x.shape
    x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
    return s.head(F.relu(s.b(x)))


def shufflenet_v2(s, x):
    keep, change = F.relu(s.a(x)).chunk(2, dim=1)
    return s.head(F.relu(s.last(torch.cat([keep, F.relu(s.b(change))], 1))))


def two_branches(name, join, **options):
    return pattern(
        name,
        lambda s, x: s.head(F.relu(join(s.a(x), s.b(x)))),
        lambda: dict(a=conv(2, 3), b=conv(2, 3, 1), head=head(3)),
        **options,
    )


def sliced(name, take, width, **options):
    return pattern(
        name,
        lambda s, x: s.head(F.relu(s.b(take(F.relu(s.a(x)))))),
        lambda: dict(a=conv(2, 4), b=conv(width, 3), head=head(3)),
        **options,
    )


PATTERNS = [
    pattern("residual-basic", basic, residual),
    pattern("residual-basic-unfolded", basic, residual, fold=False),
    pattern("residual-option-a", option_a, option_a_parts, legacy=(11, 13), dynamo=(18,)),
    pattern("residual-option-a-unfolded", option_a, option_a_parts, fold=False, legacy=(17,)),
    pattern("residual-option-a-dynamic", option_a, option_a_parts, dynamic=True, legacy=(17,)),
    pattern(
        "residual-option-b",
        option_b,
        lambda: dict(
            stem=unit(2, 3),
            a=unit(3, 4, stride=2),
            b=unit(4, 4),
            short=nn.Sequential(nn.Conv2d(3, 4, 1, 2, bias=False), bn(4)),
            head=head(4),
        ),
    ),
    pattern(
        "residual-pooled-shortcut",
        option_b,
        lambda: dict(
            stem=unit(2, 3),
            a=unit(3, 4, stride=2),
            b=unit(4, 4),
            short=nn.Sequential(nn.AvgPool2d(2), unit(3, 4, 1)),
            head=head(4),
        ),
    ),
    pattern("residual-preactivation", preactivation, preactivation_parts, legacy=(11,)),
    pattern(
        "residual-preactivation-unfolded",
        preactivation,
        preactivation_parts,
        fold=False,
        legacy=(),
        dynamo=(18,),
    ),
    pattern(
        "residual-preactivation-wider",
        preactivation_wider,
        lambda: dict(
            stem=conv(2, 3, bias=False),
            bn1=bn(3),
            conv1=conv(3, 4, stride=2, bias=False),
            bn2=bn(4),
            conv2=conv(4, 4, bias=False),
            short=nn.Conv2d(3, 4, 1, 2, bias=False),
            bn3=bn(4),
            head=head(4),
        ),
    ),
    pattern(
        "residual-scaled",
        lambda s, x: s.head(F.relu(x + 0.1 * s.b(F.relu(s.a(x))))),
        lambda: dict(a=conv(2, 3), b=conv(3, 2, gain=8.0), head=head(2)),
    ),
    pattern(
        "inception",
        inception,
        lambda: dict(
            stem=conv(2, 3),
            one=conv(3, 4, 1, gain=4.0),
            three=conv(3, 2),
            pool=conv(3, 2, 1, gain=4.0, shift=-0.5),
            bn=bn(8),
            last=conv(8, 3),
            head=head(3),
        ),
    ),
    pattern("densenet", densenet, densenet_parts),
    pattern("densenet-unfolded", densenet, densenet_parts, fold=False),
    two_branches("add-branches", lambda a, b: a + b),
    two_branches("add-alpha", lambda a, b: torch.add(a, b, alpha=0.5)),
    two_branches("sub-branches", lambda a, b: a - b),
    two_branches("mean-of-branches", lambda a, b: (a + b) / 2),
    two_branches("negated-branch", lambda a, b: a + torch.neg(b)),
    two_branches("stack-sum", lambda a, b: torch.stack([a, b]).sum(0), optional=True),
    two_branches("maximum-of-branches", lambda a, b: torch.maximum(a, b), optional=True),
    sliced("slice-channels", lambda x: x[:, 1:3], 2),
    sliced("slice-crop", lambda x: x[:, :, 1:-1, 1:-1], 4),
    sliced("slice-stride2", lambda x: x[:, :, ::2, 1::2], 4),
    sliced("split-chunk", lambda x: (lambda a, b: a + 0.5 * b)(*x.chunk(2, 1)), 2, legacy=(11, 18)),
    sliced("split-sizes", lambda x: x.split([1, 3], 1)[1], 3),
    pattern(
        "shufflenet-v2",
        shufflenet_v2,
        lambda: dict(a=conv(2, 4), b=conv(2, 2), last=conv(4, 3), head=head(3)),
    ),
    pattern(
        "channel-shuffle",
        shuffle,
        lambda: dict(a=conv(2, 4, groups=2), b=conv(4, 4, groups=2), head=head(4)),
        legacy=(17,),
        dynamo=(18,),
        optional=True,
    ),
    pattern(
        "pixel-unshuffle",
        lambda s, x: s.head(F.relu(s.a(F.pixel_unshuffle(x, 2)))),
        lambda: dict(a=conv(8, 3, 1), head=head(3)),
        optional=True,
    ),
    pattern(
        "upsample-nearest",
        lambda s, x: s.head(F.relu(s.b(F.interpolate(F.relu(s.a(x)), scale_factor=2)))),
        lambda: dict(a=conv(2, 3, stride=2), b=conv(3, 2), head=head(2)),
        optional=True,
    ),
]
