"""The backend in NumPy: the functions of src/ndarray_backend_cpu.cc, one by one, with the same checks.

Slow for small arrays, but short, and a second opinion when the C++ kernels give a strange result.
"""

import functools

import numpy as np

__device_name__ = "cpu_numpy"
__tile_size__ = 8

_ELEM_SIZE = np.dtype(np.float32).itemsize
_INT32 = np.iinfo(np.int32)


class Array:
    """A run of `size` floats with arbitrary contents."""

    def __init__(self, size):
        if size < 0:
            raise ValueError(f"Array: size is {size}, expected 0 or more")
        self.array = np.empty(size, dtype=np.float32)

    @property
    def size(self):
        return self.array.size

    def ptr(self):
        """The address of the first element."""
        return self.array.ctypes.data


def _require(ok, function, message):
    if not ok:
        raise ValueError(f"{function}: {message}")


def _require_sizes(function, wanted, **arrays):
    for name, array in arrays.items():
        _require(array.size == wanted, function, f"{name} has {array.size} elements, expected {wanted}")


def _view(function, name, a, shape, strides, offset):
    """The elements of `a` that shape, strides and offset (in elements) select, as a NumPy view."""
    shape, strides = tuple(shape), tuple(strides)
    layout = f"a view of shape {shape}, strides {strides}, offset {offset}"
    _require(len(shape) == len(strides), function, f"{layout}: shape and strides must have the same length")
    _require(all(0 <= n <= _INT32.max for n in shape), function, f"{layout}: sizes must be 0 to 2^31 - 1")
    fit = all(_INT32.min <= stride <= _INT32.max for stride in strides)
    _require(fit, function, f"{layout}: strides must be signed 32-bit numbers")
    if 0 in shape:
        return np.empty(shape, dtype=np.float32)
    reaches = [(size - 1) * stride for size, stride in zip(shape, strides, strict=True)]
    smallest = offset + sum(min(reach, 0) for reach in reaches)
    largest = offset + sum(max(reach, 0) for reach in reaches)
    inside = offset >= 0 and smallest >= 0 and largest < a.size
    _require(inside, function, f"{layout} reaches outside of {name}, which has {a.size} elements")
    byte_strides = tuple(stride * _ELEM_SIZE for stride in strides)
    return np.ndarray(shape, np.float32, buffer=a.array, offset=offset * _ELEM_SIZE, strides=byte_strides)


def _quiet(function):
    """Overflow and 0/0 give inf and NaN without a warning, as in C++."""
    return functools.wraps(function)(np.errstate(all="ignore")(function))


def from_numpy(a, out):
    """Copies a float32 array of any layout into out, in row-major order."""
    if not isinstance(a, np.ndarray) or a.dtype != np.float32:
        kind = f"dtype {a.dtype}" if isinstance(a, np.ndarray) else f"type {type(a).__name__}"
        raise TypeError(f"from_numpy: a has {kind}, expected a NumPy array of float32")
    _require_sizes("from_numpy", a.size, out=out)
    out.array[:] = a.reshape(-1)


def to_numpy(a, shape, strides, offset):
    """A new row-major NumPy array with the view's elements."""
    return _view("to_numpy", "a", a, shape, strides, offset).copy()


def fill(out, val):
    out.array.fill(val)


def compact(a, out, shape, strides, offset):
    view = _view("compact", "a", a, shape, strides, offset)
    _require(a is not out, "compact", "out must be another array than a")
    _require_sizes("compact", view.size, out=out)
    out.array.reshape(view.shape)[...] = view


def ewise_setitem(a, out, shape, strides, offset):
    view = _view("ewise_setitem", "out", out, shape, strides, offset)
    _require(a is not out, "ewise_setitem", "out must be another array than a")
    _require_sizes("ewise_setitem", view.size, a=a)
    view[...] = a.array.reshape(view.shape)


def scalar_setitem(size, val, out, shape, strides, offset):
    view = _view("scalar_setitem", "out", out, shape, strides, offset)
    _require(size == view.size, "scalar_setitem", f"size is {size}, but the view has {view.size} elements")
    view[...] = val


def _ewise(name, ufunc):
    @_quiet
    def function(a, b, out):
        _require_sizes(name, a.size, b=b, out=out)
        ufunc(a.array, b.array, out=out.array)

    function.__name__ = function.__qualname__ = name
    return function


def _scalar(name, ufunc):
    @_quiet
    def function(a, val, out):
        _require_sizes(name, a.size, out=out)
        ufunc(a.array, np.float32(val), out=out.array)

    function.__name__ = function.__qualname__ = name
    return function


def _unary(name, ufunc):
    @_quiet
    def function(a, out):
        _require_sizes(name, a.size, out=out)
        ufunc(a.array, out=out.array)

    function.__name__ = function.__qualname__ = name
    return function


ewise_add = _ewise("ewise_add", np.add)
ewise_mul = _ewise("ewise_mul", np.multiply)
ewise_div = _ewise("ewise_div", np.divide)
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


@_quiet
def matmul(a, b, out, m, n, p):
    """a is (m, n), b is (n, p), out is (m, p): out = a @ b."""
    _require(a is not out and b is not out, "matmul", "out must be another array than a and b")
    _require_sizes("matmul", m * n, a=a)
    _require_sizes("matmul", n * p, b=b)
    _require_sizes("matmul", m * p, out=out)
    np.matmul(a.array.reshape(m, n), b.array.reshape(n, p), out=out.array.reshape(m, p))


def _rows(function, a, out, reduce_size):
    _require(a is not out, function, "out must be another array than a")
    expected = f"expected out.size * reduce_size with out.size = {out.size}, reduce_size = {reduce_size}"
    _require(a.size == out.size * reduce_size, function, f"a has {a.size} elements, {expected}")
    return a.array.reshape(out.size, reduce_size)


def reduce_max(a, out, reduce_size):
    """a is (out.size, reduce_size): the largest element of each row."""
    rows = _rows("reduce_max", a, out, reduce_size)
    _require(reduce_size > 0, "reduce_max", "reduce_size is 0, and an empty row has no largest element")
    np.max(rows, axis=1, out=out.array)


@_quiet
def reduce_sum(a, out, reduce_size):
    """a is (out.size, reduce_size): the sum of each row."""
    np.sum(_rows("reduce_sum", a, out, reduce_size), axis=1, out=out.array)
