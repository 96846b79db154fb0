"""What the wrong values of an answer have in common, in words: "each is half of what was expected".

A hint must not mislead: it is given only where it explains every wrong value, and where chance would not.

    values.py   what was done to each value: a factor, a shift, a function
    order.py    what was done to the places: axes swapped, reversed, shifted, mixed up by a reshape
    given.py    what the answer has to do with the question's arrays
    places.py   where the wrong values are
    shapes.py   what a wrong shape has to do with the right one
    near.py     when one array explains another
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.hints import given, order, values
from grader.hints.near import Flags, Floats
from grader.hints.places import place
from grader.hints.shapes import shape_pattern

__all__ = ["pattern", "shape_pattern"]

Named = Sequence[tuple[str, npt.NDArray[Any]]]

LARGEST = 1 << 19  # values of an array that is looked at for more than its factor
_OVERFLOWS = 88.7  # exp of more is infinite in float32
_OVERFLOW = " (the input goes up to {:.4g} in size; in float32 exp(89) is infinite, and exp(-104) is 0)"


def pattern(got: npt.NDArray[Any], want: npt.NDArray[Any], wrong: Flags, others: Named = ()) -> str:
    """What all of the wrong values have in common, and where they are; empty where nothing simple explains them.

    got, want: arrays of one shape. wrong: marks the places where they differ, at least one. others: what else there is
    to compare with, by name: the question's arrays, and what other values of the answer should be.
    """
    one, other = got.astype(np.float64), want.astype(np.float64)
    count = int(wrong.sum())
    known = [(name, array.astype(np.float64)) for name, array in others if array.dtype.kind == "f"]
    if got.size == 1 and np.isfinite(other).all():
        return values.single(float(one.item()), float(other.item()), _sizes(known))
    if not np.isfinite(other).all() or count < 2:
        return ""
    with np.errstate(all="ignore"):  # of values near the largest and the smallest float there is no hint
        what = _what(one, other, wrong, known)
    where = place(wrong)
    return ", ".join(words for words in (where, what) if words)


def _what(got: Floats, want: Floats, wrong: Flags, others: Sequence[tuple[str, Floats]]) -> str:
    largest = max((float(np.abs(array[np.isfinite(array)]).max(initial=0.0)) for _, array in others), default=0.0)
    if not np.isfinite(got).all():
        words = values.not_finite(got[~np.isfinite(got)], int(wrong.sum()))
        return words + (_OVERFLOW.format(largest) if largest > _OVERFLOWS else "")
    bad, right = got[wrong], want[wrong]
    if not bad.any():
        return "each is zero"
    words = values.factor(bad, right, _sizes(others))
    if words or got.size > LARGEST:
        return words
    return (
        given.same_as(got, want, others)
        or order.rearranged(got, want, wrong)
        or values.one_number(bad, right)
        or values.shift(bad, right)
        or values.function(bad, right)
        or order.shifted(got, want)
        or given.missing(got, want, wrong, others)
        or given.scaled(got, want, wrong)
        or order.permuted(got, want)
        or values.garbage(bad, right, largest)
    )


def _sizes(others: Sequence[tuple[str, Floats]]) -> list[tuple[int, str]]:
    return list(values.axis_sizes([(name, array.shape) for name, array in others]))
