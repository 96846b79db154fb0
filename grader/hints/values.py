"""What was done to the values, each by itself: scaled, shifted, cut off."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from grader.hints.near import FEW, Floats, constant, explained_by, explains

_FACTORS = {
    0.5: "half of",
    2.0: "twice",
    -1.0: "minus",
    0.25: "a quarter of",
    -0.5: "minus half of",
    -2.0: "minus twice",
}
_LEAST = 1e-6  # factor that is told of
_LARGEST_AXIS = 1 << 20
_HUGE = 1e10
_MANY = 20  # values that lie on one side of a number by chance once in a million times


def not_finite(bad: Floats, count: int) -> str:
    """Of `count` wrong values these are NaN or infinite."""
    what = "NaN" if np.isnan(bad).all() else "infinite" if np.isinf(bad).all() else "infinite or NaN"
    return f"each is {what}" if bad.size == count else f"{bad.size} of them {'is' if bad.size == 1 else 'are'} {what}"


def garbage(got: Floats, want: Floats, largest_input: float) -> str:
    """Sizes that no arithmetic of these numbers gives: memory that nothing was written to."""
    usual = max(1.0, float(np.abs(want).max()), largest_input)
    if usual > _HUGE:  # float32 itself ends at 3.4e38
        return ""
    size = np.abs(got)
    odd = (size > 1e12 * usual**2) | ((size < 1e-30) & (size > 0) & (np.abs(want) > 1e-20))
    if not odd.any():
        return ""
    example = f"{got[odd].flat[int(np.abs(np.log(size[odd])).argmax())]:.3g}"
    return f"{int(odd.sum())} of a size that nothing explains, such as {example}, as in memory nobody has written to"


def factor(got: Floats, want: Floats, sizes: Sequence[tuple[int, str]]) -> str:
    """All multiplied by one number. sizes: of axes, and what they are called: a mean differs from a sum by one."""
    for number, words in _FACTORS.items():
        if explained_by(got, want, partial(np.multiply, number)):
            return f"each is {words} what was expected{_of_an_axis(number, sizes)}"
    if got.size < FEW or constant(want):
        return ""
    number = float((got * want).sum() / (want * want).sum())
    if abs(number - 1) > 1e-3 and abs(number) > _LEAST and explains(got, want, number * want):
        return f"each is {number:.4g} times what was expected{_of_an_axis(number, sizes)}"
    return ""


def single(got: float, want: float, sizes: Sequence[tuple[int, str]]) -> str:
    """One number alone: of what it may be off by, only a factor that is the size of an axis is no chance."""
    # Not by got / want, which may overflow; NaN fails both.
    if not (0 < _LEAST * abs(want) < abs(got) < abs(want) / _LEAST and (got > 0) is (want > 0)):
        return ""
    number = got / want
    size = max(number, 1 / number)
    exact = round(size) >= FEW and math.isclose(size, round(size), rel_tol=1e-5)
    words = _of_an_axis(number, sizes) if exact else ""
    return f"{number:.4g} times what was expected{words}" if words else ""


def shift(got: Floats, want: Floats) -> str:
    """All too large, or too small, by one number."""
    if got.size < FEW or constant(want):
        return ""
    number = float((got - want).mean())
    if not explains(got, want, want + number):
        return ""
    return f"each is too {'large' if number > 0 else 'small'} by {abs(number):.4g}"


_FUNCTIONS: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
    ("the square of what was expected", np.square),
    ("the square root of what was expected", np.sqrt),
    ("1 divided by what was expected", np.reciprocal),
    ("the exponential of what was expected", np.exp),
    ("the logarithm of what was expected", np.log),
    ("what was expected without its fraction", np.trunc),
)


def function(got: Floats, want: Floats) -> str:
    """All run through one more function, or one less. got, want: the wrong values."""
    if got.size < FEW or np.unique(want[:1000]).size < FEW:
        return ""
    for words, apply in _FUNCTIONS:
        if explained_by(got, want, apply):
            return f"each is {words}"
    return ""


def one_number(got: Floats, want: Floats) -> str:
    """The same number everywhere. got, want: the wrong values."""
    if got.size < FEW or np.ptp(got) > 0 or constant(want):
        return ""
    words = f"each is {got[0]:.4g}"
    if got.size >= _MANY and ((want < got[0]).all() or (want > got[0]).all()):
        words += f" and should be {'less' if want[0] < got[0] else 'more'}"
    return words


def _of_an_axis(number: float, sizes: Sequence[tuple[int, str]]) -> str:
    """Where the factor is the size of an axis, or of several together: " (7 is the size of axis 0 of x: ...)"."""
    for inverse in (False, True):
        size = 1 / number if inverse else number
        whole = round(size)
        if not 2 <= whole <= _LARGEST_AXIS or not math.isclose(size, whole, rel_tol=1e-3):
            continue
        for candidate, words in sizes:
            if candidate == whole:
                why = "a mean in place of a sum" if inverse else "a sum in place of a mean"
                return f" ({whole} is {words}: {why})"
    return ""


def axis_sizes(shapes: Sequence[tuple[str, tuple[int, ...]]]) -> Iterator[tuple[int, str]]:
    """(size, in words) of every axis of these arrays, then of neighbouring axes together."""
    for name, shape in shapes:
        for axis, size in enumerate(shape):
            yield size, f"the size of axis {axis} of {name}"
    for name, shape in shapes:
        for first in range(len(shape)):
            for last in range(first + 1, len(shape)):
                named = ", ".join(map(str, range(first, last)))
                yield math.prod(shape[first : last + 1]), f"the size of axes {named} and {last} of {name} together"
