"""When one array explains another: the test that every hint has to pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEW = 3  # wrong values; two can be had by some factor and some shift nearly always
_SAMPLE = 16
VARIED = 4  # distinct values; of fewer, say zeros and ones, a mirror image is too often like the thing itself


def near(got: Floats, candidate: Floats, scale: float) -> Flags:
    """Where the two agree but for rounding; scale: the size of what was expected."""
    return np.asarray(np.abs(got - candidate) <= 1e-4 * np.abs(candidate) + 1e-5 * scale)


def like(got: float, candidate: float, scale: float) -> bool:
    """Whether two numbers may be the same: the first look, ten times cheaper than one at two arrays."""
    return abs(got - candidate) <= 1e-3 * abs(candidate) + 1e-4 * scale


def explains(got: Floats, want: Floats, candidate: Floats) -> bool:
    """Whether `got` is `candidate` but for rounding, and `candidate` takes away what is wrong with `got`."""
    if not np.isfinite(candidate).all():
        return False
    left = np.abs(got - candidate)
    agrees = left <= 1e-4 * np.abs(candidate) + 1e-5 * np.abs(want).max()
    return bool(agrees.all() and 100 * left.sum() <= np.abs(got - want).sum())


def explained_by(got: Floats, want: Floats, function: Callable[[Floats], Floats]) -> bool:
    """Whether `got` is the function of `want`; both flat. Nearly always a few values say that it is not."""
    if got.size > _SAMPLE and not near(got[:_SAMPLE], function(want[:_SAMPLE]), float(np.abs(want).max())).all():
        return False
    return explains(got, want, function(want))


def constant(values: Floats) -> bool:
    """Whether all are alike."""
    return bool(np.ptp(values) <= 1e-3 * np.abs(values).max())


def varied(values: Floats) -> bool:
    """Whether there are enough different ones for a coincidence to be out of the question."""
    # Of a large array the first are enough: the smallest tell the same.
    return bool(np.unique(values.ravel()[:10_000]).size >= VARIED)
