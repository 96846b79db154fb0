"""What counts as a number, and what as an array of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

NUMBERS = (int, float, np.integer, np.floating, np.bool_)


def as_float(value: Any, op: str) -> float:
    """`value` as a float; TypeError unless it is one real number."""
    if not isinstance(value, NUMBERS):
        raise TypeError(f"{op}: got a value of type {type(value).__name__}, expected a number")
    return float(value)


def as_float32(values: Any) -> np.ndarray:
    """`values` as a row-major NumPy array of float32; TypeError unless they are real numbers."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        kind = type(values).__name__
        raise TypeError(f"an NDArray holds numbers, got a {kind} of NumPy dtype {array.dtype}")
    return np.asarray(array, dtype=np.float32, order="C")
