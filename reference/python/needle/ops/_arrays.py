"""What NumPy and needle's NDArray spell differently, under one name for both: for use in an op's compute."""

from __future__ import annotations

import numpy

from ..backend_selection import NDArray, array_api

IS_NUMPY = array_api is numpy


def compact(array: NDArray) -> NDArray:
    """The same elements in memory one after another, as reshape wants them."""
    return numpy.ascontiguousarray(array) if IS_NUMPY else array.compact()


def empty(shape: tuple[int, ...], like: NDArray) -> NDArray:
    """A new array, not filled, with the device and dtype of `like`."""
    return numpy.empty(shape, dtype=like.dtype) if IS_NUMPY else like.device.empty(shape, dtype=like.dtype)


def full(shape: tuple[int, ...], value: float, like: NDArray) -> NDArray:
    """A new array of one value, with the device and dtype of `like`."""
    return numpy.full(shape, value, dtype=like.dtype) if IS_NUMPY else like.device.full(shape, value, dtype=like.dtype)


def as_numbers(condition: NDArray, like: NDArray) -> NDArray:
    """The result of a comparison as 1.0 and 0.0, in the dtype of `like`."""
    return condition.astype(like.dtype) if IS_NUMPY else condition


def permute(array: NDArray, axes: tuple[int, ...]) -> NDArray:
    """A view whose axis k is axis `axes[k]` of `array`."""
    return array.transpose(axes) if IS_NUMPY else array.permute(axes)


def flip(array: NDArray, axes: tuple[int, ...]) -> NDArray:
    """The elements in reverse order along each of `axes`."""
    return numpy.flip(array, axes) if IS_NUMPY else array.flip(axes)


def pad(array: NDArray, widths: tuple[tuple[int, int], ...]) -> NDArray:
    """With zeros around: `widths` holds, for each axis, how many before and how many after."""
    return numpy.pad(array, widths) if IS_NUMPY else array.pad(widths)


def as_strided(array: NDArray, shape: tuple[int, ...], strides: tuple[int, ...]) -> NDArray:
    """A view of the memory of a compact `array`; strides are counted in elements."""
    if not IS_NUMPY:
        return array.as_strided(shape, strides)
    in_bytes = tuple(stride * array.itemsize for stride in strides)
    return numpy.lib.stride_tricks.as_strided(array, shape, in_bytes)


def power(a: NDArray, b: NDArray) -> NDArray:
    """`a ** b`, element by element."""
    if IS_NUMPY:
        return a**b
    if hasattr(a.device.mod, "ewise_power"):
        return a.ewise_or_scalar(b, "power")
    # A backend need not have this kernel, and exp(b * log(a)) is wrong for a <= 0: by way of NumPy, then.
    return array_api.array(a.numpy() ** b.numpy(), device=a.device)
