"""Networks of torchvision, and a small one of concatenations, with random weights and the
statistics that they themselves have on drawn images."""

import torch
import torchvision
from torch import nn

CLASSES = 10


class Inception(nn.Module):
    """Four branches from one image, joined: GoogLeNet's block."""

    def __init__(self, inputs, width):
        super().__init__()
        self.one = unit(inputs, width, 1)
        self.three = nn.Sequential(unit(inputs, width, 1), unit(width, 2 * width, 3))
        self.five = nn.Sequential(unit(inputs, width // 2, 1), unit(width // 2, width, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), unit(inputs, width, 1))
        self.outputs = 5 * width

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], 1)


def unit(inputs, outputs, kernel, stride=1):
    """A convolution that keeps the size, its normalisation and a ReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


def googlenet(width=16):
    """A stem, four such blocks with pools that round up between them, a linear layer."""
    blocks, channels = [], 4 * width
    for i in range(4):
        blocks.append(Inception(channels, width))
        channels = blocks[-1].outputs
        if i % 2 == 0:
            blocks.append(nn.MaxPool2d(3, 2, ceil_mode=True))
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels, CLASSES)]
    return nn.Sequential(unit(3, 4 * width, 3), nn.MaxPool2d(3, 2, ceil_mode=True), *blocks, *head)


def vgg16_bn():
    """With a classifier for small images, as is usual for them."""
    net = torchvision.models.vgg16_bn(weights=None)
    net.avgpool = nn.AdaptiveAvgPool2d(1)
    hidden = [nn.Linear(512, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, CLASSES)]
    net.classifier = nn.Sequential(*hidden)
    return net


def of_torchvision(name, **options):
    return lambda: getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **options)


# Name, how it is made, rows and columns of its images.
LARGE = [
    ("resnet18", of_torchvision("resnet18"), 64),
    ("mobilenet_v2", of_torchvision("mobilenet_v2"), 64),
    ("shufflenet_v2_x1_0", of_torchvision("shufflenet_v2_x1_0"), 64),
    ("densenet121", of_torchvision("densenet121"), 64),
    ("vgg16_bn", vgg16_bn, 32),
    ("googlenet", googlenet, 32),
]


def resnet(layers=(1, 1, 1, 1), width=3):
    """ResNet18's block and stem, narrow: torchvision scales widths by groups only."""
    blocks = [unit(3, width, 7, 2), nn.MaxPool2d(3, 2, 1)]
    channels = width
    for i, count in enumerate(layers):
        for k in range(count):
            stride = 2 if i > 0 and k == 0 else 1
            outputs = width * 2**i
            short = None
            if stride != 1 or outputs != channels:
                conv = nn.Conv2d(channels, outputs, 1, stride, bias=False)
                short = nn.Sequential(conv, nn.BatchNorm2d(outputs))
            block = torchvision.models.resnet.BasicBlock
            blocks.append(block(channels, outputs, stride, short))
            channels = outputs
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]
    return nn.Sequential(*blocks, *head)


def mobilenet():
    settings = [[1, 4, 1, 1], [3, 6, 2, 2], [3, 8, 1, 2]]
    models = torchvision.models
    return models.MobileNetV2(
        CLASSES, width_mult=0.25, inverted_residual_setting=settings, round_nearest=2
    )


def shufflenet():
    return torchvision.models.ShuffleNetV2([1, 2, 1], [4, 8, 12, 16, 20], num_classes=CLASSES)


def densenet():
    return torchvision.models.DenseNet(4, (2, 2, 2), 8, bn_size=2, num_classes=CLASSES)


def vgg():
    cut = torchvision.models.vgg.make_layers([4, "M", 6, 6, "M", 8, "M"], batch_norm=True)
    head = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 12), nn.ReLU(), nn.Dropout()]
    return nn.Sequential(cut, *head, nn.Linear(12, CLASSES))


# The same, narrowed to a few kilobytes.
SMALL = [
    ("resnet", resnet, 32),
    ("mobilenet", mobilenet, 32),
    ("shufflenet", shufflenet, 32),
    ("densenet", densenet, 32),
    ("vgg", vgg, 32),
    ("googlenet", lambda: googlenet(4), 32),
]


def pictures(count, side, seed):
    """Pixels in 0..255: smooth colours, and noise."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=draw)
    smooth = nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    noise = torch.randn(count, 3, side, side, generator=draw)
    return ((smooth + 0.08 * noise).clamp(0, 1) * 255).round().to(torch.uint8)


def settled(make, side):
    """The network in evaluation mode, its normalisations as after training: the statistics of
    drawn images, and scales and shifts that are not trivial."""
    torch.manual_seed(1)
    net = make()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.7, 1.3)
            nn.init.uniform_(layer.bias, -0.2, 0.2)
            layer.momentum = None
    net.train()
    with torch.no_grad():
        for seed in range(3):
            net(pictures(32, side, seed) / 255)
    return net.eval()
