"""Which arrays needle is made of: NEEDLE_BACKEND=nd (its own) or np (NumPy's)."""

import os

backend_name = os.environ.get("NEEDLE_BACKEND", "nd")

if backend_name == "nd":
    from . import backend_ndarray as array_api
    from .backend_ndarray import (
        BackendDevice as Device,
        NDArray,
        all_devices,
        cpu,
        cpu_numpy,
        cuda,
        default_device,
    )
elif backend_name == "np":
    import numpy as array_api
    from numpy import ndarray as NDArray
    from .backend_numpy import Device, all_devices, cpu, cpu_numpy, cuda, default_device
else:
    raise RuntimeError("NEEDLE_BACKEND=%s is unknown, it has to be nd or np" % backend_name)
