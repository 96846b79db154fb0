"""Every op as in the tree below, but for what is replaced here."""

from . import ops_mathematic
from .ops_logarithmic import *  # noqa: F403
from .ops_mathematic import *  # noqa: F403
from .ops_tuple import *  # noqa: F403


def compute(self, a, b):
    return ops_mathematic.array_api.array(a.numpy() @ b.numpy(), device=a.device)


ops_mathematic.MatMul.compute = compute
