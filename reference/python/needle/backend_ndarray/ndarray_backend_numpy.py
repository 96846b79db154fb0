"""The backend in NumPy: the functions of src/ndarray_backend_cpu.cc, with the same names and checks.

It needs no compiler, and is a second opinion where a kernel in C++ gives a strange result.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

__device_name__ = "cpu_numpy"
__tile_size__ = 8

_ELEM_SIZE = np.dtype(np.float32).itemsize
_INT32 = np.iinfo(np.int32)


class Array:
    """A run of `size` floats; what they are at first is arbitrary."""

    def __init__(self, size: int) -> None:
        _require(size >= 0, "Array", f"size is {size}, expected 0 or more")
        try:
            self.array = np.empty(size, dtype=np.float32)
        except (MemoryError, ValueError):  # ValueError: more bytes than an address can count
            raise MemoryError(f"Array: cannot allocate {size} elements of {_ELEM_SIZE} bytes each") from None

    @property
    def size(self) -> int:
        return self.array.size

    def ptr(self) -> int:
        """The address of the first element."""
        return self.array.ctypes.data


# ---- Checks ----


def _require(ok: bool, function: str, message: str) -> None:
    if not ok:
        raise ValueError(f"{function}: {message}")


def _require_arrays(function: str, **arrays: Any) -> None:
    for name, array in arrays.items():
        if not isinstance(array, Array):
            kind = type(array).__name__
            raise TypeError(f"{function}: {name} is a {kind}, expected an Array of the NumPy backend")


def _require_size(function: str, wanted: int, wanted_name: str, **arrays: Array) -> None:
    _require_arrays(function, **arrays)
    for name, array in arrays.items():
        message = f"{name} has {array.size} elements, but {wanted_name} has {wanted}"
        _require(array.size == wanted, function, message)


def _require_distinct(function: str, a: Array, out: Array) -> None:
    message = "out must be another array than the input, which is read while out is written"
    _require(a is not out, function, message)


def _view(function: str, name: str, a: Array, shape: Any, strides: Any, offset: int) -> np.ndarray:
    """The elements of a that shape, strides and offset (counted in elements) select, on the memory of a."""
    _require_arrays(function, **{name: a})
    shape, strides = tuple(shape), tuple(strides)
    layout = f"a view of shape {shape}, strides {strides}, offset {offset}"
    _require(len(shape) == len(strides), function, f"{layout}: shape and strides must have the same length")
    fit = all(0 <= size <= _INT32.max for size in shape)
    _require(fit, function, f"{layout}: sizes must be numbers from 0 to 2^31 - 1")
    fit = all(_INT32.min <= stride <= _INT32.max for stride in strides)
    _require(fit, function, f"{layout}: strides must be signed 32-bit numbers")
    if 0 in shape:
        return np.empty(shape, dtype=np.float32)
    reaches = [(size - 1) * stride for size, stride in zip(shape, strides, strict=True)]
    first = offset + sum(min(reach, 0) for reach in reaches)
    last = offset + sum(max(reach, 0) for reach in reaches)
    inside = 0 <= first <= offset <= last < a.size
    _require(inside, function, f"{layout} reaches outside of {name}, which has {a.size} elements")
    byte_strides = tuple(stride * _ELEM_SIZE for stride in strides)
    return np.ndarray(shape, np.float32, buffer=a.array, offset=offset * _ELEM_SIZE, strides=byte_strides)


def _quiet(function: Callable) -> Callable:
    """Lets overflow and 0 / 0 give inf and NaN without a warning, as they do in C++."""
    return functools.wraps(function)(np.errstate(all="ignore")(function))


# ---- Copies ----


def from_numpy(a: np.ndarray, out: Array) -> None:
    """Copies a NumPy array of float32 into out, in row-major order."""
    _require_arrays("from_numpy", out=out)
    if not isinstance(a, np.ndarray) or a.dtype != np.float32:
        kind = f"dtype {a.dtype}" if isinstance(a, np.ndarray) else f"type {type(a).__name__}"
        raise TypeError(f"from_numpy: a has {kind}, expected a NumPy array of float32")
    _require_size("from_numpy", a.size, "a", out=out)
    out.array[:] = a.reshape(-1)


def to_numpy(a: Array, shape: Any, strides: Any, offset: int) -> np.ndarray:
    """A new row-major NumPy array with the view's elements."""
    return _view("to_numpy", "a", a, shape, strides, offset).copy()


def fill(out: Array, val: float) -> None:
    _require_arrays("fill", out=out)
    out.array.fill(val)


def compact(a: Array, out: Array, shape: Any, strides: Any, offset: int) -> None:
    """Copies the elements of a view of a to out, in row-major order."""
    view = _view("compact", "a", a, shape, strides, offset)
    _require_distinct("compact", a, out)
    _require_size("compact", view.size, "the view", out=out)
    out.array.reshape(view.shape)[...] = view


def ewise_setitem(a: Array, out: Array, shape: Any, strides: Any, offset: int) -> None:
    """Copies the elements of a, in row-major order, to a view of out."""
    view = _view("ewise_setitem", "out", out, shape, strides, offset)
    _require_distinct("ewise_setitem", a, out)
    _require_size("ewise_setitem", view.size, "the view", a=a)
    view[...] = a.array.reshape(view.shape)


def scalar_setitem(size: int, val: float, out: Array, shape: Any, strides: Any, offset: int) -> None:
    """Sets every element of a view of out to val; the view has `size` elements."""
    view = _view("scalar_setitem", "out", out, shape, strides, offset)
    _require(size == view.size, "scalar_setitem", f"size is {size}, but the view has {view.size} elements")
    view[...] = val


# ---- Elementwise ----


def _ewise(name: str, ufunc: np.ufunc) -> Callable[[Array, Array, Array], None]:
    @_quiet
    def function(a: Array, b: Array, out: Array) -> None:
        _require_arrays(name, a=a)
        _require_size(name, a.size, "a", b=b, out=out)
        ufunc(a.array, b.array, out=out.array)

    function.__name__ = function.__qualname__ = name
    return function


def _scalar(name: str, ufunc: np.ufunc) -> Callable[[Array, float, Array], None]:
    @_quiet
    def function(a: Array, val: float, out: Array) -> None:
        _require_arrays(name, a=a)
        _require_size(name, a.size, "a", out=out)
        ufunc(a.array, np.float32(val), out=out.array)

    function.__name__ = function.__qualname__ = name
    return function


def _unary(name: str, ufunc: np.ufunc) -> Callable[[Array, Array], None]:
    @_quiet
    def function(a: Array, out: Array) -> None:
        _require_arrays(name, a=a)
        _require_size(name, a.size, "a", out=out)
        ufunc(a.array, out=out.array)

    function.__name__ = function.__qualname__ = name
    return function


ewise_add = _ewise("ewise_add", np.add)
ewise_mul = _ewise("ewise_mul", np.multiply)
ewise_div = _ewise("ewise_div", np.divide)
ewise_power = _ewise("ewise_power", np.power)
ewise_maximum = _ewise("ewise_maximum", np.maximum)
ewise_eq = _ewise("ewise_eq", np.equal)
ewise_ge = _ewise("ewise_ge", np.greater_equal)

scalar_add = _scalar("scalar_add", np.add)
scalar_mul = _scalar("scalar_mul", np.multiply)
scalar_div = _scalar("scalar_div", np.divide)
scalar_power = _scalar("scalar_power", np.power)
scalar_maximum = _scalar("scalar_maximum", np.maximum)
scalar_eq = _scalar("scalar_eq", np.equal)
scalar_ge = _scalar("scalar_ge", np.greater_equal)

ewise_log = _unary("ewise_log", np.log)
ewise_exp = _unary("ewise_exp", np.exp)
ewise_tanh = _unary("ewise_tanh", np.tanh)


# ---- Matrix product and reductions ----


@_quiet
def matmul(a: Array, b: Array, out: Array, m: int, n: int, p: int) -> None:
    """Product of matrices: out is (m, p), a is (m, n), b is (n, p)."""
    _require(min(m, n, p) >= 0, "matmul", f"m = {m}, n = {n}, p = {p} must be 0 or more")
    _require_size("matmul", m * n, f"an (m, n) = ({m}, {n}) matrix", a=a)
    _require_size("matmul", n * p, f"an (n, p) = ({n}, {p}) matrix", b=b)
    _require_size("matmul", m * p, f"an (m, p) = ({m}, {p}) matrix", out=out)
    _require_distinct("matmul", a, out)
    _require_distinct("matmul", b, out)
    np.matmul(a.array.reshape(m, n), b.array.reshape(n, p), out=out.array.reshape(m, p))


def _rows(function: str, a: Array, out: Array, reduce_size: int) -> np.ndarray:
    _require_arrays(function, a=a, out=out)
    _require(reduce_size >= 0, function, f"reduce_size is {reduce_size}, expected 0 or more")
    _require_distinct(function, a, out)
    wanted = f"out.size * reduce_size = {out.size} * {reduce_size}"
    _require(a.size == out.size * reduce_size, function, f"a has {a.size} elements, expected {wanted}")
    return a.array.reshape(out.size, reduce_size)


def reduce_max(a: Array, out: Array, reduce_size: int) -> None:
    """Largest element of each row: out is (size,), a is (size, reduce_size)."""
    rows = _rows("reduce_max", a, out, reduce_size)
    _require(reduce_size > 0, "reduce_max", "reduce_size is 0, and an empty row has no largest element")
    np.max(rows, axis=1, out=out.array)


@_quiet
def reduce_sum(a: Array, out: Array, reduce_size: int) -> None:
    """Sum of each row: out is (size,), a is (size, reduce_size)."""
    np.sum(_rows("reduce_sum", a, out, reduce_size), axis=1, out=out.array)
