"""needle, in the earlier edition's layout: one file for each part."""

from . import ops
from .ops import *
from .autograd import Tensor, TensorTuple, cpu, all_devices
from .backend_selection import NDArray, array_api, backend_name, cpu_numpy, cuda, default_device

from . import init
from .init import ones, zeros, zeros_like, ones_like, constant, rand, randn, randb, one_hot

from . import data
from . import nn
from . import optim
