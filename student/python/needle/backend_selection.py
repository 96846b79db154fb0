"""What tensors are made of: `NEEDLE_BACKEND=nd`, needle's own arrays (the default), or `np`, NumPy's."""

import os

BACKEND = os.environ.get("NEEDLE_BACKEND", "nd")

if BACKEND == "nd":
    from . import backend_ndarray as array_api
    from .backend_ndarray import BackendDevice as Device
    from .backend_ndarray import NDArray, all_devices, cpu, cpu_numpy, cuda, default_device
elif BACKEND == "np":
    import numpy as array_api
    from numpy import ndarray as NDArray

    from .backend_numpy import Device, all_devices, cpu, cpu_numpy, cuda, default_device
else:
    raise ImportError(f"NEEDLE_BACKEND is {BACKEND!r}; expected 'nd' (needle's own arrays) or 'np' (NumPy arrays).")

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
