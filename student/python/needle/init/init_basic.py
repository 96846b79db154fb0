"""Tensors of constants and of random numbers.

All take `device` (default: cpu()), `dtype` (default: "float32") and `requires_grad` (default: False). The
random ones draw from NumPy's global generator, on every device: `numpy.random.seed(0)` makes them repeat.
"""

from __future__ import annotations

from typing import Any

import numpy

from ..autograd import Tensor
from ..backend_selection import Device, NDArray, cpu


def rand(
    *shape: int,
    low: float = 0.0,
    high: float = 1.0,
    device: Device | None = None,
    dtype: str = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """Uniform between `low` and `high`. Example: `rand(2, 3, low=-1, high=1)` has shape (2, 3)."""
    device = device or cpu()
    array = device.rand(*_checked_shape("rand", shape)) * (high - low) + low
    return Tensor(array, device=device, dtype=dtype, requires_grad=requires_grad)


def randn(
    *shape: int,
    mean: float = 0.0,
    std: float = 1.0,
    device: Device | None = None,
    dtype: str = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """Normal, of this mean and standard deviation."""
    device = device or cpu()
    array = device.randn(*_checked_shape("randn", shape)) * std + mean
    return Tensor(array, device=device, dtype=dtype, requires_grad=requires_grad)


def randb(
    *shape: int,
    p: float = 0.5,
    device: Device | None = None,
    dtype: str = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """1.0 with probability p, otherwise 0.0."""
    if not 0 <= p <= 1:
        raise ValueError(f"randb: p is {p}; expected a probability, between 0 and 1.")
    device = device or cpu()
    array = device.rand(*_checked_shape("randb", shape)) <= p
    return Tensor(array, device=device, dtype=dtype, requires_grad=requires_grad)


def constant(
    *shape: int,
    c: float = 1.0,
    device: Device | None = None,
    dtype: str = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """`c` everywhere."""
    return _filled("constant", shape, c, device, dtype, requires_grad)


def ones(*shape: int, device: Device | None = None, dtype: str = "float32", requires_grad: bool = False) -> Tensor:
    """1.0 everywhere. Example: `ones(2, 3)`."""
    return _filled("ones", shape, 1.0, device, dtype, requires_grad)


def zeros(*shape: int, device: Device | None = None, dtype: str = "float32", requires_grad: bool = False) -> Tensor:
    """0.0 everywhere."""
    return _filled("zeros", shape, 0.0, device, dtype, requires_grad)


def ones_like(array: Tensor, *, device: Device | None = None, requires_grad: bool = False) -> Tensor:
    """1.0 everywhere, in the shape and dtype of `array`, and on its device unless another is given."""
    return ones(*array.shape, device=device or array.device, dtype=array.dtype, requires_grad=requires_grad)


def zeros_like(array: Tensor, *, device: Device | None = None, requires_grad: bool = False) -> Tensor:
    """0.0 everywhere, in the shape and dtype of `array`, and on its device unless another is given."""
    return zeros(*array.shape, device=device or array.device, dtype=array.dtype, requires_grad=requires_grad)


def one_hot(
    n: int,
    i: Tensor | NDArray | Any,
    device: Device | None = None,
    dtype: str = "float32",
    requires_grad: bool = False,
) -> Tensor:
    """A row of n numbers for each index in `i`: 1.0 at the index, otherwise 0.0; shape `i.shape + (n,)`.

    Example: `one_hot(3, Tensor([2, 0]))` is [[0, 0, 1], [1, 0, 0]].

    Raises:
        ValueError: an index is not a whole number in 0 ... n-1.
    """
    device = device or cpu()
    given = numpy.asarray(i.numpy() if isinstance(i, (Tensor, NDArray)) and hasattr(i, "numpy") else i)
    wrong = (given < 0) | (given >= n) | (given % 1 != 0)
    if wrong.any():
        raise ValueError(f"one_hot: index {given[wrong][0]} is not a whole number between 0 and {n - 1}.")
    array = device.one_hot(n, given.astype("int64"))
    return Tensor(array, device=device, dtype=dtype, requires_grad=requires_grad)


def _filled(
    name: str, shape: tuple[int, ...], c: float, device: Device | None, dtype: str, requires_grad: bool
) -> Tensor:
    device = device or cpu()
    array = device.full(_checked_shape(name, shape), c)
    return Tensor(array, device=device, dtype=dtype, requires_grad=requires_grad)


def _checked_shape(name: str, shape: tuple) -> tuple[int, ...]:
    for size in shape:
        if not isinstance(size, (int, numpy.integer)):
            raise TypeError(
                f"{name}: size {size!r} in the shape is not an int; write {name}(2, 3), not {name}((2, 3))."
            )
        if size < 0:
            raise ValueError(f"{name}: size {size} in the shape is negative.")
    return shape
