"""The CUDA backend, as `make` builds it from src/ndarray_backend_cuda.cu: for editors and type checkers.

(Given.) needle.backend_ndarray.cuda() is the device whose functions these are. Where there is no GPU, or no driver for
it, loading the module raises ImportError.
"""

from ._backend import *  # noqa: F403  (all that _backend.pyi says is this module's, too)
from ._backend import Array

__device_name__: str  # "cuda"
__tile_size__: int  # 1: it has no matmul_tiled

def ewise_power(a: Array, b: Array, out: Array) -> None:
    """Write a to the power b, element by element, to `out`. All three have the same size; out may be a or b."""
