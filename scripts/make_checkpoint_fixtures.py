#!/usr/bin/env python3
"""Write the tiny PyTorch checkpoints that the tests of the importer read.

    python3 scripts/make_checkpoint_fixtures.py trainer/tests/fixtures

Every file is a real `torch.save` of a network that was never trained (seeded random
weights), in the layout of keys that SNL, RLNet, ReLUPruner and AutoReP use. The committed
ones were made with PyTorch 1.13.1 and NumPy 1.26. Beside them, `expected.json` gives for
each file the sum of |weight| * (1 + index mod 7) of some tensors and the ones in each mask,
computed here in float64, so that the reader can be checked against PyTorch itself. Contents
are the same in every run; names of storages in the older form are addresses and are not.
"""

import argparse
import collections
import json
import os
import sys

import numpy as np
import torch
from torch import nn

WIDTHS = (2, 3, 4, 5)
SIDE = 8


class Masked(nn.Module):
    """The activation of SNL: its mask is a parameter."""

    def __init__(self, shape, keep):
        super().__init__()
        self.alphas = nn.Parameter((torch.rand(1, *shape) < keep).float(), requires_grad=False)


class DualNorm(nn.Module):
    """Statistics for clean and for adversarial images."""

    def __init__(self, width):
        super().__init__()
        self.BN_c = norm(width)
        self.BN_a = norm(width)


class OrderedNorm(nn.Module):
    """One normalisation per width of a network with ordered dropout."""

    def __init__(self, width):
        super().__init__()
        self.bn = nn.ModuleList([norm(max(1, width // 2)), norm(width)])


def norm(width):
    layer = nn.BatchNorm2d(width)
    for value in (layer.weight.data, layer.bias.data, layer.running_mean):
        value.normal_()
    layer.running_var.uniform_(0.5, 1.5)
    return layer


def conv(inputs, outputs, kernel):
    return nn.Conv2d(inputs, outputs, kernel, bias=False)


class Block(nn.Module):
    """A basic block; `student` picks RLNet's names of the projection."""

    def __init__(self, inputs, outputs, side, make_norm, snl, student):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, outputs, 3), make_norm(outputs)
        if snl:
            self.alpha1 = Masked((outputs, side, side), 0.4)
        self.conv2, self.bn2 = conv(outputs, outputs, 3), make_norm(outputs)
        if snl:
            self.alpha2 = Masked((outputs, side, side), 0.6)
        if inputs == outputs:
            return
        if student:
            self.conv_sc, self.bn_sc = conv(inputs, outputs, 1), make_norm(outputs)
        else:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1), make_norm(outputs))


class ResNet(nn.Module):
    def __init__(self, blocks, make_norm=norm, snl=False, student=False, head="linear"):
        super().__init__()
        self.conv1, self.bn1 = conv(3, WIDTHS[0], 3), make_norm(WIDTHS[0])
        inputs = WIDTHS[0]
        for stage, count in enumerate(blocks):
            outputs, stack = WIDTHS[stage], []
            for _ in range(count):
                side = SIDE >> stage
                stack.append(Block(inputs, outputs, side, make_norm, snl, student))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*stack))
        setattr(self, head, nn.Linear(inputs, 10))


def masks(blocks, stem=True, dtype=torch.int64):
    """A mask per activation in forward order."""
    shapes = [(WIDTHS[0], SIDE, SIDE)] if stem else []
    for stage, count in enumerate(blocks):
        shapes += [(WIDTHS[stage], SIDE >> stage, SIDE >> stage)] * (2 * count)
    return [(torch.rand(shape) < 0.5).to(dtype) for shape in shapes]


def under(prefix, state):
    return collections.OrderedDict((prefix + key, value) for key, value in state.items())


def snl(blocks, soft=False):
    net = ResNet(blocks, snl=True)
    if soft:
        net.layer1[0].alpha1.alphas.data.uniform_(0.0, 0.02)
    some = torch.optim.SGD([net.conv1.weight], lr=1e-3, momentum=0.9)
    state = net.state_dict()
    return {"arch": "resnet18", "state_dict": state, "optimizer": some.state_dict()}


def autorep(blocks):
    """All activations are one module, which every block refers to."""
    state = ResNet(blocks).state_dict()
    found = masks(blocks, stem=False, dtype=torch.float32)
    for parent in ("layer1.0.relu", "layer2.0.relu", "layer3.0.relu"):
        for i, mask in enumerate(found):
            width = mask.shape[0]
            state[f"{parent}.alpha_mask_{i}_0"] = mask
            state[f"{parent}.bn_{i}.running_mean"] = torch.zeros(width)
            state[f"{parent}.bn_{i}.running_var"] = torch.ones(width)
            if i < 2:
                state[f"{parent}.alpha_aux_{i}_0"] = torch.rand(mask.shape)
                for k in range(3):
                    state[f"{parent}.poly_para_{i}_{k}"] = torch.rand(1, width, 1, 1)
        state[f"{parent}.itr_cnt"] = torch.zeros(1)
    best = torch.tensor(73.5)
    return {"epoch": 200, "state_dict": under("model.", state), "best_prec1": best, "is_best": True}


def wide_resnet():
    """Pre-activation, one block in each of three stages, SNL's masks."""
    state, inputs = collections.OrderedDict(), 2
    add = lambda path, layer: state.update(under(path + ".", layer.state_dict()))
    add("conv1", conv(3, inputs, 3))
    for b, outputs in enumerate((3, 4, 5)):
        path, side = f"block{b + 1}.layer.0", SIDE >> b
        add(f"{path}.bn1", norm(inputs))
        add(f"{path}.alpha1", Masked((inputs, side, side), 0.5))
        add(f"{path}.conv1", conv(inputs, outputs, 3))
        add(f"{path}.bn2", norm(outputs))
        add(f"{path}.conv2", conv(outputs, outputs, 3))
        add(f"{path}.alpha2", Masked((outputs, side, side), 0.5))
        add(f"{path}.convShortcut", conv(inputs, outputs, 1))
        inputs = outputs
    add("bn1", norm(inputs))
    add("fc", nn.Linear(inputs, 10))
    return state


def vgg():
    """RLNet's VGG: convolutions with bias at 0, 3, 6, normalisations at 1, 4, 7."""
    net, inputs = nn.Module(), 3
    for b, count in enumerate((2, 2, 3)):
        layers = []
        for _ in range(count):
            layers += [nn.Conv2d(inputs, 2, 3), norm(2), nn.ReLU()]
            inputs = 2
        setattr(net, f"block{b}", nn.Sequential(*layers))
    net.classifier = nn.Linear(2, 10)
    found = [(torch.rand(2, 4, 4) < 0.5).long() for _ in range(7)]
    return {"epoch": 1, "model": net.state_dict(), "best_acc": 50.0, "mask_epoch": found}


def kinds():
    """Tensors of every type, views, and values of other libraries."""
    base = torch.arange(24, dtype=torch.float32)
    values = {
        "f16": torch.tensor([0.0, -1.5, 65504.0, 2**-24, 2**-14], dtype=torch.float16),
        "bf16": torch.tensor([0.0, -1.5, 3e38], dtype=torch.bfloat16),
        "f64": torch.tensor([0.1, -2.5], dtype=torch.float64),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
        "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "i64": torch.tensor([-(2**40), 2**40]),
        "bool": torch.tensor([True, False, True]),
        "base": base,
        "transposed": base.view(4, 6).t(),
        "window": base.view(4, 6)[1:3, 2:5],
        "expanded": base[3:5].view(1, 2).expand(3, 2),
        "parameter": nn.Parameter(torch.tensor([7.0])),
        "scalar": torch.tensor(4.25),
        "empty": torch.zeros(0, 3),
        "bn_1.weight": torch.tensor([3.0]),
    }
    extra = {"size": torch.Size([1, 2]), "set": {1, 2}, "numpy": np.float64(0.5), "big": 2**40, "huge": 2**80}
    return {"state_dict": values, "extra": extra, "names": ["a", ("b", None)], "bytes": b"\x00\xff"}


def small_cases():
    """File name -> what is saved in it, and whether in the older form."""
    small = (1, 2, 1)
    opt = argparse.Namespace(model="ResNet18", lr=0.01, seed=7, milestones=[1, 2])
    student = ResNet(small, student=True).state_dict()
    dual = ResNet(small, make_norm=DualNorm, student=True).state_dict()
    ordered = ResNet(small, make_norm=OrderedNorm).state_dict()
    pruned = {"format_version": 1, "epoch": 3, "model": under("module.", student)}
    pruned["masks"] = masks(small, stem=False, dtype=torch.float32)
    pruned["relu_count"] = int(sum(m.sum() for m in pruned["masks"]))
    pruned["config"], pruned["metrics"] = {"arch": "resnet18"}, {"accuracy": 0.625}
    rlnet = {"epoch": 5, "model": student, "best_acc": 61.25, "mask_epoch": masks(small)}
    last = {"opt": opt, "model": student, "mask_epoch": masks(small)}
    dual = {"opt": opt, "model": under("module.", dual), "mask_epoch": masks(small)}
    ordered = {"epoch": 5, "model": ordered, "best_acc": 60.0, "mask_epoch": masks(small)}
    return {
        "snl.pth.tar": (snl((2, 2, 2, 2)), False),
        "snl_legacy.pth.tar": (snl(small), True),
        "snl_soft.pth.tar": (snl((1,), soft=True), False),
        "snl_bare.pth": (ResNet((1,), snl=True).state_dict(), False),
        "snl_wide.pth": (wide_resnet(), True),
        "rlnet.pth": (rlnet, False),
        "rlnet_last.pth": (last, True),
        "rlnet_dual.pth": (dual, True),
        "rlnet_ordered.pth": (ordered, True),
        "rlnet_vgg.pth": (vgg(), False),
        "relupruner.pth": (pruned, False),
        "autorep.pth.tar": (autorep(small), True),
        "plain_fc.pth": ({"net": ResNet((1, 1), head="fc").state_dict(), "acc": 10.0}, True),
        "kinds.pth": (kinds(), False),
        "kinds_legacy.pth": (kinds(), True),
    }


def weigh(tensor):
    """A sum that a wrong order of elements changes."""
    flat = tensor.detach().to(torch.float64).contiguous().view(-1)
    return float((flat.abs() * (1 + torch.arange(flat.numel()) % 7)).sum())


def expectation(value):
    state = value
    for key in ("state_dict", "model", "net"):
        state = value.get(key, state)
    found = value.get("masks", value.get("mask_epoch", []))
    sums = {key: weigh(t) for key, t in state.items() if not key.endswith("batches_tracked")}
    return {"sums": sums, "ones": [int(mask.sum()) for mask in found]}


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    torch.manual_seed(20)
    expected = {}
    for name, (value, older) in small_cases().items():
        path = os.path.join(out, name)
        torch.save(value, path, _use_new_zipfile_serialization=not older)
        expected[name] = expectation(value)
    with open(os.path.join(out, "expected.json"), "w") as file:
        json.dump(expected, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
