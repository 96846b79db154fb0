"""Checks of what is handed to a Tensor: numbers, a device, a dtype, operands, the results of ops."""

from __future__ import annotations

from typing import Any

import numpy

from .backend_selection import Device, NDArray, array_api, default_device


def checked_numbers(array: Any) -> Any:
    """`array` as a backend array or a NumPy array of real numbers."""
    if isinstance(array, NDArray) and array_api is not numpy:
        return array
    try:
        numbers = numpy.asarray(array)
    except ValueError as error:
        raise ValueError(f"Tensor: the given value, {kind(array)}, is no array: {error}") from error
    if numbers.dtype.kind not in "biuf":
        raise TypeError(f"Tensor: the given value, {kind(array)}, holds {numbers.dtype}; expected real numbers.")
    return numbers


def checked_array(name: str, computed: Any) -> NDArray:
    """What an op's compute returned, if it is an array."""
    if isinstance(computed, numpy.generic) and array_api is numpy:
        # NumPy turns arrays of shape () into scalars.
        return numpy.asarray(computed)
    if not isinstance(computed, NDArray):
        raise TypeError(f"{name}.compute returned a value {kind(computed)}; expected an array.")
    return computed


def checked_device(device: Any) -> Device:
    """`device`, if it is a device and enabled."""
    if not isinstance(device, Device):
        raise TypeError(f"Tensor: device is {device!r}; expected a device such as needle.cpu().")
    if not device.enabled():
        raise ValueError(f"Tensor: device {device} is not enabled: {device.why_not}")
    return device


def checked_dtype(dtype: Any) -> str:
    """The name of `dtype`, if the backend's arrays can hold it."""
    possible = ("float16", "float32", "float64") if array_api is numpy else ("float32",)
    # NumPy's own types, such as numpy.float32, have a __name__ only; its dtypes have a name.
    name = getattr(dtype, "name", getattr(dtype, "__name__", dtype))
    if name not in possible:
        raise TypeError(f"Tensor: dtype is {dtype!r}; expected {' or '.join(map(repr, possible))}.")
    return name


def number(operator: str, operand: Any) -> float:
    """The operand beside a Tensor, if it is a number. A NumPy array is refused: it has no gradient."""
    if not isinstance(operand, (int, float, numpy.integer, numpy.floating)):
        raise TypeError(
            f"Tensor {operator}: the other operand is {kind(operand)}; expected a Tensor or a number. "
            "needle.Tensor(x) makes one of an array."
        )
    return operand


def device_of(array: NDArray) -> Device:
    """Where an array of the backend is."""
    return default_device() if array_api is numpy else array.device


def kind(value: Any) -> str:
    """How error messages call a value of the wrong type."""
    return "None" if value is None else f"of type {type(value).__name__}"
