"""Every op as in the tree below, but for what is replaced here."""

from . import ops_mathematic
from .ops_logarithmic import *  # noqa: F403
from .ops_mathematic import *  # noqa: F403
from .ops_tuple import *  # noqa: F403

import numpy


def compute(self, images, kernels):
    edge = (self.padding, self.padding)
    padded = numpy.pad(images.numpy(), ((0, 0), edge, edge, (0, 0)))
    windows = numpy.lib.stride_tricks.sliding_window_view(padded, kernels.shape[:2], axis=(1, 2))
    windows = windows[:, :: self.stride, :: self.stride]
    out = numpy.einsum("nhwcij,ijco->nhwo", windows, kernels.numpy())
    return ops_mathematic.array_api.array(out, device=images.device)


ops_mathematic.Conv.compute = compute
