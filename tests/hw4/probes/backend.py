"""The functions of a device's compiled module, called directly, on flat arrays.

Results go to arrays that hold NaN before, so that a kernel that adds to what is there, or leaves an element out, shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def compact(
    needle: Any, device: Any, a: np.ndarray, shape: list[int], strides: list[int], offset: int
) -> dict[str, Any]:
    """The elements of the view of flat a, one after another."""
    mod, size = device.mod, int(np.prod(shape))
    out = _unset(mod, size)
    mod.compact(_array(mod, a), out, shape, strides, offset)
    return {"out": _values(mod, out, size)}


def ewise_setitem(
    needle: Any,
    device: Any,
    a: np.ndarray,
    out: np.ndarray,
    shape: list[int],
    strides: list[int],
    offset: int,
) -> dict[str, Any]:
    """All of flat `out`, after a was written to its view."""
    mod = device.mod
    target = _array(mod, out)
    mod.ewise_setitem(_array(mod, a), target, shape, strides, offset)
    return {"out": _values(mod, target, out.size)}


def scalar_setitem(
    needle: Any, device: Any, value: float, out: np.ndarray, shape: list[int], strides: list[int], offset: int
) -> dict[str, Any]:
    """All of flat `out`, after the number was written to its view."""
    mod = device.mod
    target = _array(mod, out)
    mod.scalar_setitem(int(np.prod(shape)), value, target, shape, strides, offset)
    return {"out": _values(mod, target, out.size)}


def ewise(needle: Any, device: Any, functions: list[str], a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """ewise_<name>(a, b) for every name."""
    mod = device.mod
    results = {}
    for name in functions:
        out = _unset(mod, a.size)
        getattr(mod, f"ewise_{name}")(_array(mod, a), _array(mod, b), out)
        results[name] = _values(mod, out, a.size)
    return results


def scalar(needle: Any, device: Any, functions: list[str], a: np.ndarray, value: float) -> dict[str, Any]:
    """scalar_<name>(a, value) for every name."""
    mod = device.mod
    results = {}
    for name in functions:
        out = _unset(mod, a.size)
        getattr(mod, f"scalar_{name}")(_array(mod, a), value, out)
        results[name] = _values(mod, out, a.size)
    return results


def unary(needle: Any, device: Any, function: str, a: np.ndarray) -> dict[str, Any]:
    """ewise_<function>(a)."""
    mod = device.mod
    out = _unset(mod, a.size)
    getattr(mod, f"ewise_{function}")(_array(mod, a), out)
    return {"out": _values(mod, out, a.size)}


def reduce(needle: Any, device: Any, function: str, a: np.ndarray) -> dict[str, Any]:
    """reduce_<function> over the rows of a, (rows, reduce_size)."""
    mod = device.mod
    out = _unset(mod, len(a))
    getattr(mod, f"reduce_{function}")(_array(mod, a), out, a.shape[1])
    return {"out": _values(mod, out, len(a))}


def matmul(needle: Any, device: Any, a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """A (m, n) @ b (n, p)."""
    mod, (m, n), p = device.mod, a.shape, b.shape[1]
    out = _unset(mod, m * p)
    mod.matmul(_array(mod, a), _array(mod, b), out, m, n, p)
    return {"out": _values(mod, out, m * p).reshape(m, p)}


def matmul_tiled(needle: Any, device: Any, a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """A (m, n) @ b (n, p), cut into the module's tiles before, and put together again after."""
    mod, (m, n), p = device.mod, a.shape, b.shape[1]
    tile = int(mod.__tile_size__)
    if m % tile or n % tile or p % tile:
        raise ValueError(f"__tile_size__ is {tile}; expected 8, as given")
    out = _unset(mod, m * p)
    mod.matmul_tiled(_array(mod, _tiles(a, tile)), _array(mod, _tiles(b, tile)), out, m, n, p)
    tiles = _values(mod, out, m * p).reshape(m // tile, p // tile, tile, tile)
    return {"out": tiles.transpose(0, 2, 1, 3).reshape(m, p)}


def _tiles(a: np.ndarray, tile: int) -> np.ndarray:
    rows, columns = a.shape
    return a.reshape(rows // tile, tile, columns // tile, tile).transpose(0, 2, 1, 3)


def _array(mod: Any, values: np.ndarray) -> Any:
    """An array of the module with the values in row-major order."""
    array = mod.Array(values.size)
    mod.from_numpy(np.ascontiguousarray(values, dtype="float32").reshape(-1), array)
    return array


def _unset(mod: Any, size: int) -> Any:
    return _array(mod, np.full(size, np.nan, dtype="float32"))


def _values(mod: Any, array: Any, size: int) -> np.ndarray:
    return np.array(mod.to_numpy(array, [size], [1], 0), dtype="float32")
