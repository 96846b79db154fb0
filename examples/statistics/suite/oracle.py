"""What is right, computed in another way than a student would: all numbers at once, with NumPy in float64."""

import numpy as np


def moments(values):
    """(count, mean, variance) of the values (n,)."""
    return values.size, np.mean(values, dtype=np.float64), np.var(values, dtype=np.float64)


def medians(values):
    """The median of each beginning of the values (n,)."""
    return np.array([np.median(values[: end + 1]) for end in range(values.size)])


def maxima(values, width):
    """The maximum of each `width` neighbours of the values (n,)."""
    return np.lib.stride_tricks.sliding_window_view(values, width).max(axis=1)
