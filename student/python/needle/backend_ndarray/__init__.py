"""NDArray and its devices: what `needle.backend_selection` offers as `array_api` with NEEDLE_BACKEND=nd."""

from .device import BackendDevice, all_devices, cpu, cpu_numpy, cuda, default_device
from .functions import (
    array,
    broadcast_to,
    empty,
    exp,
    flip,
    full,
    log,
    max,
    maximum,
    pad,
    permute,
    reshape,
    sum,
    tanh,
)
from .ndarray import NDArray

__all__ = [
    "BackendDevice",
    "NDArray",
    "all_devices",
    "array",
    "broadcast_to",
    "cpu",
    "cpu_numpy",
    "cuda",
    "default_device",
    "empty",
    "exp",
    "flip",
    "full",
    "log",
    "max",
    "maximum",
    "pad",
    "permute",
    "reshape",
    "sum",
    "tanh",
]
