"""The CPU backend, as `make` builds it from src/ndarray_backend_cpu.cc: for editors and type checkers.

(Given.) needle.backend_ndarray.cpu() is the device whose functions these are.
"""

from ._backend import *  # noqa: F403  (all that _backend.pyi says is this module's, too)
from ._backend import Array

__device_name__: str  # "cpu"
__tile_size__: int  # T of matmul_tiled

def matmul_tiled(a: Array, b: Array, out: Array, m: int, n: int, p: int) -> None:
    """Write the product of two matrices that are cut into tiles of T by T to `out`, which is neither of them.

    a: (m/T, n/T, T, T); b: (n/T, p/T, T, T); out: (m/T, p/T, T, T), each compact. T is `__tile_size__`, and divides
    m, n and p, the sides of the matrices in elements.
    """
