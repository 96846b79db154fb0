"""needle: a small deep-learning framework (the "necessary elements of deep learning")."""

from . import ops
from .ops import *  # noqa: F403  (every op is also a name of the package: needle.matmul)
from .autograd import Tensor, TensorTuple
from .backend_selection import NDArray, all_devices, array_api, cpu, cpu_numpy, cuda, default_device
from . import init
from .init import (
    constant,
    one_hot,
    ones,
    ones_like,
    rand,
    randb,
    randn,
    zeros,
    zeros_like,
)
from . import data, nn, optim
