"""What tensors are made of: needle's arrays, whose operator for products is NumPy's."""

from . import backend_ndarray as array_api
from .backend_ndarray import BackendDevice as Device
from .backend_ndarray import NDArray, all_devices, cpu, cpu_numpy, cuda, default_device

BACKEND = "nd"

NDArray.__matmul__ = lambda self, other: NDArray(self.numpy() @ other.numpy(), device=self.device)

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
