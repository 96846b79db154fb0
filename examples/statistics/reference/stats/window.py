"""Statistics of the newest numbers; the work is done in C++, in src/window.cc."""

from __future__ import annotations

from typing import Any

import numpy as np

from stats import _window


def moving_maximum(values: Any, width: int) -> np.ndarray:
    """The maximum of each `width` neighbours: shape (n,) and a width from 1 to n give shape (n - width + 1,)."""
    array = np.ascontiguousarray(values, dtype=np.float64)
    if not 1 <= width <= array.size:
        raise ValueError(f"width has value {width}; expected 1 to {array.size}.")
    return _window.moving_maximum(array, width)
