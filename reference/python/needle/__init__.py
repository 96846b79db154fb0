"""needle: a small deep-learning framework, the necessary elements of deep learning."""

# ruff: noqa: F401, F403  (all of it is here for others to import)

from . import data, init, nn, ops, optim
from .autograd import Tensor, TensorTuple
from .backend_selection import NDArray, all_devices, array_api, cpu, cpu_numpy, cuda, default_device
from .init import constant, one_hot, ones, ones_like, rand, randb, randn, zeros, zeros_like
from .ops import *
