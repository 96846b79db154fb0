"""Functions on NDArray with the names that NumPy gives them: an op can call `array_api.exp(a)` on either."""

from __future__ import annotations

from typing import Any

from .device import BackendDevice, as_device, check_dtype
from .ndarray import NDArray


def array(a: Any, dtype: str = "float32", device: BackendDevice | None = None) -> NDArray:
    """An NDArray of a number, a nested list, a NumPy array or an NDArray: a copy, cast to float32."""
    check_dtype(dtype)
    return NDArray(a, device=device)


def empty(shape: Any, dtype: str = "float32", device: BackendDevice | None = None) -> NDArray:
    """An array of arbitrary contents."""
    return as_device(device).empty(shape, dtype)


def full(shape: Any, fill_value: float, dtype: str = "float32", device: BackendDevice | None = None) -> NDArray:
    """An array filled with one number."""
    return as_device(device).full(shape, fill_value, dtype)


def reshape(array: NDArray, new_shape: Any) -> NDArray:
    """See NDArray.reshape."""
    return array.reshape(new_shape)


def permute(array: NDArray, new_axes: Any) -> NDArray:
    """See NDArray.permute."""
    return array.permute(new_axes)


def broadcast_to(array: NDArray, new_shape: Any) -> NDArray:
    """See NDArray.broadcast_to."""
    return array.broadcast_to(new_shape)


def flip(array: NDArray, axes: Any) -> NDArray:
    """See NDArray.flip."""
    return array.flip(axes)


def pad(array: NDArray, axes: Any) -> NDArray:
    """See NDArray.pad."""
    return array.pad(axes)


def maximum(a: NDArray | float, b: NDArray | float) -> NDArray:
    """The larger of a and b, element by element; one of the two may be a number."""
    return a.maximum(b) if isinstance(a, NDArray) else b.maximum(a)


def log(a: NDArray) -> NDArray:
    """The natural logarithm of each element."""
    return a.log()


def exp(a: NDArray) -> NDArray:
    """The exponential of each element."""
    return a.exp()


def tanh(a: NDArray) -> NDArray:
    """The hyperbolic tangent of each element."""
    return a.tanh()


def sum(a: NDArray, axis: Any = None, keepdims: bool = False) -> NDArray:
    """See NDArray.sum."""
    return a.sum(axis, keepdims)


def max(a: NDArray, axis: Any = None, keepdims: bool = False) -> NDArray:
    """See NDArray.max."""
    return a.max(axis, keepdims)
