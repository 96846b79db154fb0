"""What the wrong values of an answer have in common, in words: "each is half of what was expected".

A hint must not mislead: it is given only where it explains every wrong value, and where chance would not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_FACTORS = {
    0.5: "half of",
    2.0: "twice",
    -1.0: "minus",
    0.25: "a quarter of",
    -0.5: "minus half of",
    -2.0: "minus twice",
}
_FEW = 3  # wrong values; two can be had by some factor and some shift nearly always
_VARIED = 4  # distinct values; of fewer, say zeros and ones, a mirror image is too often like the thing itself
_MAX_RANK = 4  # of the arrays whose axes are mirrored in every combination: 15 of them


def pattern(got: npt.NDArray[Any], want: npt.NDArray[Any], wrong: Flags) -> str:
    """What all of the wrong values have in common; empty where nothing simple explains them.

    got, want: arrays of one shape. wrong: marks the places where they differ, at least one.
    """
    got, want = got.astype(np.float64), want.astype(np.float64)
    count = int(wrong.sum())
    if not np.isfinite(want).all() or count < 2:
        return ""
    if not np.isfinite(got).all():
        return _not_finite(got[~np.isfinite(got)], count)
    if not got[wrong].any():
        return "each is zero"
    with np.errstate(all="ignore"):  # of values near the largest and the smallest float there is no hint
        return _factor(got[wrong], want[wrong]) or _rearranged(got, want, wrong) or _shift(got[wrong], want[wrong])


def _not_finite(bad: Floats, count: int) -> str:
    what = "NaN" if np.isnan(bad).all() else "infinite" if np.isinf(bad).all() else "infinite or NaN"
    return f"each is {what}" if bad.size == count else f"{bad.size} of them {'is' if bad.size == 1 else 'are'} {what}"


def _factor(got: Floats, want: Floats) -> str:
    for factor, words in _FACTORS.items():
        if _explains(got, want, factor * want):
            return f"each is {words} what was expected"
    if got.size < _FEW or _constant(want):
        return ""
    factor = float((got * want).sum() / (want * want).sum())
    if abs(factor - 1) > 1e-3 and abs(factor) > 1e-3 and _explains(got, want, factor * want):
        return f"each is {factor:.4g} times what was expected"
    return ""


def _shift(got: Floats, want: Floats) -> str:
    if got.size < _FEW or _constant(want):
        return ""
    shift = float((got - want).mean())
    if not _explains(got, want, want + shift):
        return ""
    return f"each is too {'large' if shift > 0 else 'small'} by {abs(shift):.4g}"


def _rearranged(got: Floats, want: Floats, wrong: Flags) -> str:
    first = np.unravel_index(int(wrong.argmax()), wrong.shape)
    if np.unique(want[wrong]).size < _VARIED:
        return ""
    for words, candidate in _rearrangements(want):
        # One value first: nearly every candidate is out by it, and there may be twenty of them to go through.
        if np.isclose(got[first], candidate[first], rtol=1e-3, atol=1e-4 * np.abs(want).max()) and _explains(
            got, want, candidate
        ):
            return words
    return ""


def _rearrangements(want: Floats) -> Iterator[tuple[str, Floats]]:
    """Views of `want` with axes swapped or reversed, in words."""
    for a, b in itertools.combinations(range(want.ndim), 2):
        if want.shape[a] == want.shape[b] > 1:
            yield f"as if axes {a} and {b} were swapped", np.swapaxes(want, a, b)
    axes = [axis for axis in range(want.ndim) if want.shape[axis] > 1]
    for count in range(1, min(len(axes), _MAX_RANK) + 1):
        for chosen in itertools.combinations(axes, count):
            yield f"as if {_named(chosen)} reversed", np.flip(want, chosen)


def _named(axes: Sequence[int]) -> str:
    *most, last = axes
    return f"axes {', '.join(map(str, most))} and {last} were" if most else f"axis {last} were"


def _explains(got: Floats, want: Floats, candidate: Floats) -> bool:
    """Whether `got` is `candidate` but for rounding, and `candidate` takes away what is wrong with `got`."""
    if not np.isfinite(candidate).all():
        return False
    left = np.abs(got - candidate)
    near = left <= 1e-4 * np.abs(candidate) + 1e-5 * np.abs(want).max()
    return bool(near.all() and 100 * left.sum() <= np.abs(got - want).sum())


def _constant(values: Floats) -> bool:
    return bool(np.ptp(values) <= 1e-3 * np.abs(values).max())
