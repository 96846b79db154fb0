"""Shapes, axes and indices: each function checks its arguments and returns them in one plain form.

Counts are Python ints, axes count from the front. What is wrong is said in a sentence: TypeError for what is
no integer, IndexError for an index out of range, ValueError for everything else.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any


@functools.lru_cache(maxsize=4096)  # every op asks, and mostly about the same few shapes
def compact_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a compact array: (2, 3, 4) gives (12, 4, 1)."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def as_int(value: Any, what: str) -> int:
    """`value` as an int; True and False are no integers here."""
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{what}: got {value!r} of type {type(value).__name__}, expected an integer")


def as_ints(values: Any, what: str) -> tuple[int, ...]:
    """`values`, one integer or several, as a tuple."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        return (as_int(values, what),)
    return tuple(as_int(value, what) for value in values)


def as_shape(shape: Any, what: str) -> tuple[int, ...]:
    """`shape` as a tuple, no size negative."""
    sizes = as_ints(shape, what)
    if any(size < 0 for size in sizes):
        raise ValueError(f"{what}: got {sizes}, but no size can be negative")
    return sizes


def as_axes(axes: Any, ndim: int, op: str) -> tuple[int, ...]:
    """`axes`, one or several, counted from the front (-1 becomes ndim - 1), none named twice."""
    given = as_ints(axes, f"{op}: axes")
    for axis in given:
        if not -ndim <= axis < ndim:
            raise ValueError(f"{op}: axis {axis} is out of range for an array with {ndim} axes")
    numbers = tuple(axis % ndim for axis in given)
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{op}: axes {given} name an axis twice")
    return numbers


def as_one_axis(axis: Any, ndim: int, op: str) -> int:
    """`axis`, an int or a tuple of one, counted from the front."""
    axes = as_axes(axis, ndim, op)
    if len(axes) != 1:
        raise ValueError(
            f"{op}: got axes {axes}, but a backend reduces one axis at a time; the op Summation takes several"
        )
    return axes[0]


def reshaped(shape: tuple[int, ...], new_shape: Any) -> tuple[int, ...]:
    """`new_shape`, with a -1 in it replaced by the size that keeps the number of elements of `shape`."""
    sizes = as_ints(new_shape, "reshape: new shape")
    total, known = math.prod(shape), math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known > 0 and total % known == 0:
        sizes = tuple(total // known if size == -1 else size for size in sizes)
    if any(size < 0 for size in sizes) or math.prod(sizes) != total:
        raise ValueError(f"reshape: shape {shape}, {total} elements, cannot become shape {sizes}")
    return sizes


def permuted(axes: Any, ndim: int) -> tuple[int, ...]:
    """`axes`, if they name each of the ndim axes once."""
    order = as_axes(axes, ndim, "permute")
    if len(order) != ndim:
        raise ValueError(f"permute: axes {order} must name each of the {ndim} axes once")
    return order


def broadcasted(shape: tuple[int, ...], new_shape: Any) -> tuple[int, ...]:
    """`new_shape`, if `shape` broadcasts to it by NumPy's rule."""
    sizes = as_shape(new_shape, "broadcast_to: new shape")
    added = len(sizes) - len(shape)
    if added < 0 or any(old not in (1, new) for old, new in zip(shape, sizes[added:], strict=True)):
        raise ValueError(
            f"broadcast_to: shape {shape} does not broadcast to {sizes}: counted from the last axis, "
            "each size must be the new one or 1"
        )
    return sizes


def padding(axes: Any, ndim: int) -> tuple[tuple[int, ...], ...]:
    """`axes`, if they are one pair (before, after) for each of the ndim axes."""
    what = f"pad: expected one pair (before, after) of counts for each of the {ndim} axes"
    if not isinstance(axes, (tuple, list)):
        raise TypeError(f"{what}, got {axes!r}")
    pairs = tuple(as_shape(pair, what) for pair in axes)
    if len(pairs) != ndim or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{what}, got {pairs}")
    return pairs


def as_slices(index: Any, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The index of `array[index]` as one slice for each axis, with 0 <= start <= stop <= size and step >= 1.

    An int becomes a slice of length 1; an ellipsis, and axes that are not named, become whole slices.
    """
    parts = index if isinstance(index, tuple) else (index,)
    ellipses = [k for k, part in enumerate(parts) if part is Ellipsis]
    unnamed = len(shape) - (len(parts) - len(ellipses))
    if unnamed < 0 or len(ellipses) > 1:
        raise IndexError(
            f"index {index!r} does not fit shape {shape}: one int or slice an axis, and one ellipsis at most"
        )
    where = ellipses[0] if ellipses else len(parts)
    parts = parts[:where] + (slice(None),) * unnamed + parts[where + 1 :]
    axes = zip(parts, shape, range(len(shape)), strict=True)
    return tuple(_as_slice(part, size, axis) for part, size, axis in axes)


def _as_slice(part: Any, size: int, axis: int) -> slice:
    if isinstance(part, slice):
        start, stop, step = part.indices(size)
        if step < 0:
            raise ValueError(f"index {part} of axis {axis} has a negative step; use flip to reverse an axis")
        return slice(start, max(start, stop), step)
    number = as_int(part, f"index of axis {axis} (an integer or a slice)")
    if not -size <= number < size:
        raise IndexError(f"index {number} is out of range for axis {axis}, which has size {size}")
    return slice(number % size, number % size + 1, 1)
