"""Networks that end in the class itself, and what looks like them."""

import torch
import torch.nn.functional as F

from .torch_linear import ended
from .torch_parts import conv, head, pattern

PATTERNS = [
    ended("end-argmax", lambda s, y: torch.argmax(y, 1), final="argmax", legacy=(11,), dynamo=(18,)),
    ended(
        "end-argmax-keepdim",
        lambda s, y: torch.argmax(y, -1, keepdim=True),
        final="argmax",
        idle=True,
        legacy=(13,),
        dynamo=(20,),
    ),
    ended(
        "end-softmax-argmax",
        lambda s, y: torch.argmax(F.softmax(y, 1), 1),
        final="argmax",
        idle=True,
        legacy=(13,),
        dynamo=(),
    ),
    ended("end-argmax-of-images", lambda s, y: torch.argmax(y, 0), refused=True),
    ended("end-topk", lambda s, y: torch.topk(y, 1).indices, refused=True),
    pattern(
        "argmax-over-channels",
        lambda s, x: s.head(F.relu(s.a(x)) * torch.argmax(s.b(x), 1, keepdim=True)),
        lambda: dict(a=conv(2, 3), b=conv(2, 3), head=head(3)),
        refused=True,
    ),
]
