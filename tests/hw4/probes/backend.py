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


def last_of_many(needle: Any, device: Any, a: np.ndarray, rows: int) -> dict[str, Any]:
    """The last elements, as many as `a` has, of what every kernel gives for `rows` copies of a in one flat array."""
    mod, size = device.mod, rows * a.size
    unset = np.full(size, np.nan, dtype="float32")
    many, out = _array(mod, unset), mod.Array(size)
    mod.compact(_array(mod, a), many, [rows, a.size], [0, 1], 0)
    results = {"compact": _values(mod, many, a.size, size - a.size)}
    for name, call in {
        "fill": lambda: mod.fill(out, 0.25),
        "ewise_setitem": lambda: mod.ewise_setitem(many, out, [size], [1], 0),
        "scalar_setitem": lambda: mod.scalar_setitem(size, 0.75, out, [size], [1], 0),
        "ewise_mul": lambda: mod.ewise_mul(many, many, out),
        "scalar_mul": lambda: mod.scalar_mul(many, 0.5, out),
        "ewise_tanh": lambda: mod.ewise_tanh(many, out),
        "reduce_max": lambda: mod.reduce_max(many, out, 1),
    }.items():
        mod.from_numpy(unset, out)
        call()
        results[name] = _values(mod, out, a.size, size - a.size)
    return results


def neighbours(needle: Any, device: Any, a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """For every kind of kernel, the arrays that were made just before and after its `out`, one behind the other.

    Such arrays lie close together in memory: what a kernel writes past the end of `out` is in the next one.
    """
    mod, size = device.mod, a.size
    left, right, one = _array(mod, a), _array(mod, b), _array(mod, b[:1])
    beside = [_unset(mod, size) for _ in range(9)]
    out = beside.pop(4)
    around: dict[str, Any] = {}
    for name, call in {
        "compact": lambda: mod.compact(left, out, [size], [-1], size - 1),
        "ewise_mul": lambda: mod.ewise_mul(left, right, out),
        "ewise_maximum": lambda: mod.ewise_maximum(left, right, out),
        "scalar_div": lambda: mod.scalar_div(left, 2.0, out),
        "scalar_ge": lambda: mod.scalar_ge(left, 0.5, out),
        "ewise_exp": lambda: mod.ewise_exp(left, out),
        "reduce_max": lambda: mod.reduce_max(left, out, 1),
        "reduce_sum": lambda: mod.reduce_sum(left, out, 1),
        "matmul": lambda: mod.matmul(left, one, out, size, 1, 1),
    }.items():
        for array in beside:
            mod.from_numpy(np.full(size, -1.0, dtype="float32"), array)
        call()
        around[name] = np.concatenate([_values(mod, array, size) for array in beside])
    return around


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


def _values(mod: Any, array: Any, size: int, first: int = 0) -> np.ndarray:
    return np.array(mod.to_numpy(array, [size], [1], first), dtype="float32")
