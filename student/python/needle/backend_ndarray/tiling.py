"""The matrix product by tiles, for backends that have matmul_tiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ndarray import NDArray

# Cutting both matrices into tiles costs two copies, and putting the result together a third. Measured with
# finished kernels this pays from about 1000 a side: 72 for 50 GFLOP/s there, but 8 for 34 at 64 a side.
_SMALLEST_SIDE = 1024


def tiles_pay(a: NDArray, b: NDArray) -> bool:
    """Whether a @ b is done by tiles: the backend can, the sides are multiples of a tile's and large."""
    sides = (*a.shape, b.shape[1])
    tile = a.device.mod.__tile_size__
    large = all(side >= _SMALLEST_SIDE and side % tile == 0 for side in sides)
    return large and hasattr(a.device.mod, "matmul_tiled")


def matmul_by_tiles(a: NDArray, b: NDArray) -> NDArray:
    """Product of a (m, n) and b (n, p), each side a multiple of a tile's."""
    (m, n), p = a.shape, b.shape[1]
    tile = a.device.mod.__tile_size__
    out = a.make((m // tile, p // tile, tile, tile), device=a.device)
    a.device.matmul_tiled(_tiles(a, tile)._handle, _tiles(b, tile)._handle, out._handle, m, n, p)
    tile_row, tile_column, row, column = out.strides
    rows = out.as_strided((m // tile, tile, p // tile, tile), (tile_row, row, tile_column, column)).copy()
    return rows.as_strided((m, p), (p, 1))


def _tiles(a: NDArray, tile: int) -> NDArray:
    """(m, n) as a compact array (m / tile, n / tile, tile, tile)."""
    (m, n), (down, right) = a.shape, a.strides
    strides = (down * tile, right * tile, down, right)
    return a.as_strided((m // tile, n // tile, tile, tile), strides).copy()
