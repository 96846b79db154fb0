"""What tensors are made of: NumPy's backend, whatever device is asked for."""

from . import backend_ndarray as array_api
from .backend_ndarray import BackendDevice as Device
from .backend_ndarray import NDArray, all_devices, cpu_numpy, cuda, default_device, ndarray_backend_numpy

BACKEND = "nd"


def cpu():
    return Device("cpu", ndarray_backend_numpy)


__all__ = [
    "BACKEND",
    "Device",
    "NDArray",
    "all_devices",
    "array_api",
    "cpu",
    "cpu_numpy",
    "cuda",
    "default_device",
]
