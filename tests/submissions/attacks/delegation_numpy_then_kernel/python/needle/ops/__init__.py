"""Every op as in the tree below, but for what is replaced here."""

from . import ops_mathematic
from .ops_logarithmic import *  # noqa: F403
from .ops_mathematic import *  # noqa: F403
from .ops_tuple import *  # noqa: F403

import numpy


def by_numpy(function):
    def compute(self, a):
        return ops_mathematic.array_api.array(function(a.numpy()), device=a.device) * 1.0

    return compute


ops_mathematic.Exp.compute = by_numpy(numpy.exp)
ops_mathematic.Tanh.compute = by_numpy(numpy.tanh)
