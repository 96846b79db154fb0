"""Checks of what ops are given. `op` is the op itself: every message begins with the name of its class."""

from __future__ import annotations

import math
from typing import Any

import numpy


def number(op: Any, what: str, value: Any) -> float:
    """`value` as a Python float. Raises TypeError if it is not a real number."""
    if not isinstance(value, (int, float, numpy.integer, numpy.floating)):
        raise TypeError(f"{_name(op)}: {what} is {value!r}, of type {type(value).__name__}; expected a number.")
    return float(value)


def integer(op: Any, what: str, value: Any, at_least: int | None = None) -> int:
    """`value` as a Python int. Raises TypeError if it is not one, ValueError if it is below `at_least`."""
    if not isinstance(value, (int, numpy.integer)):
        raise TypeError(f"{_name(op)}: {what} is {value!r}, of type {type(value).__name__}; expected an int.")
    if at_least is not None and value < at_least:
        raise ValueError(f"{_name(op)}: {what} is {value}; expected at least {at_least}.")
    return int(value)


def integers(op: Any, what: str, values: Any) -> tuple[int, ...]:
    """`values`, one int or several, as a tuple of Python ints. Raises TypeError if it is not that."""
    if isinstance(values, (int, numpy.integer)):
        return (int(values),)
    if not isinstance(values, (tuple, list)):
        raise TypeError(
            f"{_name(op)}: {what} is {values!r}, of type {type(values).__name__}; expected an int or a tuple of ints."
        )
    return tuple(integer(op, f"an entry of {what} {values!r}", value) for value in values)


def axis(op: Any, number: int, ndim: int) -> int:
    """Axis `number` counted from the front: -1 becomes ndim-1. Raises ValueError if there is no such axis."""
    if not -ndim <= number < ndim:
        raise ValueError(f"{_name(op)}: axis {number} is out of range for an array of {ndim} axes.")
    return number % ndim


def axes(op: Any, numbers: tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    """All the axes counted from the front; None stands for every one.

    Raises ValueError for an axis out of range or named twice.
    """
    if numbers is None:
        return tuple(range(ndim))
    found = tuple(axis(op, number, ndim) for number in numbers)
    if len(set(found)) < len(found):
        raise ValueError(f"{_name(op)}: axes {numbers} name an axis twice (the array has {ndim} axes).")
    return found


def rank(op: Any, what: str, shape: tuple[int, ...], ndim: int, meaning: str) -> None:
    """Raises ValueError unless `shape` has `ndim` axes; `meaning` says which, as in "(N, H, W, C_in)"."""
    if len(shape) != ndim:
        raise ValueError(f"{_name(op)}: {what} has shape {shape}; expected {ndim} axes, {meaning}.")


def same_shape(op: Any, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Raises ValueError if the shapes differ: needle's arithmetic does not broadcast by itself."""
    if a != b:
        raise ValueError(
            f"{_name(op)}: shapes {a} and {b} differ; expected equal shapes. "
            "Use broadcast_to first, and reshape if need be."
        )


def reshape(op: Any, old: tuple[int, ...], new: tuple[int, ...]) -> None:
    """Raises ValueError unless `new` holds as many elements as `old`, for some value of a -1 in it."""
    count, known = math.prod(old), math.prod(length for length in new if length != -1)
    unknown = new.count(-1)
    fits = count == known if unknown == 0 else unknown == 1 and known > 0 and count % known == 0
    if not fits or min(new, default=0) < -1:
        raise ValueError(f"{_name(op)}: shape {old} has {count} elements and cannot become {new}.")


def broadcast(op: Any, old: tuple[int, ...], new: tuple[int, ...]) -> None:
    """Raises ValueError unless `old`, aligned at the last axis, equals `new` or is 1 on every axis."""
    aligned = new[len(new) - len(old) :]
    fits = len(old) <= len(new) and all(a in (1, b) for a, b in zip(old, aligned, strict=True))
    if not fits or min(new, default=0) < 0:
        raise ValueError(
            f"{_name(op)}: shape {old} does not broadcast to {new}; "
            "counted from the last axis, each length must be equal or 1."
        )


def _name(op: Any) -> str:
    return type(op).__name__
