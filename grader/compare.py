"""Compare an answer with what is right, and say what is wrong with it.

`assert_close` and its like raise Mismatch, whose text is for the student. Every check is written so that a NaN, an
empty array or a shape that would broadcast cannot pass: shape first, then finite, then each value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from grader.subject.outcome import Field, plain
from grader.subject.question import Question

# float32 carries 7 digits; sums of a few hundred terms in another order still agree to about 1e-5 of the largest value.
# A wrong formula is wrong in the first digits, so there is a wide gap for the tolerance to lie in.
RTOL = 1e-4
ATOL = 1e-5  # times the largest expected magnitude, but at least as it is


class Mismatch(AssertionError):
    """The submission answered, and the answer is wrong. The verdict is `fail`."""


def assert_close(
    got: Any, want: npt.ArrayLike, *, rtol: float = RTOL, atol: float = ATOL, name: str | None = None
) -> None:
    """`got` has the shape of `want`, is finite where `want` is, and is near: |got - want| <= atol * scale + rtol * |want|.

    scale: the largest magnitude in `want`, but at least 1. name: how to call the value; an answer's field knows its own name. Raises Mismatch.
    """
    expected = np.asarray(want, dtype=np.float64)
    value = _array(got, name)
    _check_shape(got, value, expected.shape, name)
    value = value.astype(np.float64)
    finite = np.abs(expected[np.isfinite(expected)])
    tolerance = atol * max(1.0, float(finite.max(initial=0.0))) + rtol * np.abs(expected)
    with np.errstate(invalid="ignore"):  # inf - inf; those places are decided by the equality before it
        right = (value == expected) | (np.abs(value - expected) <= tolerance)
    right &= np.isfinite(value) | (value == expected)  # |x - inf| <= inf would let everything pass
    right |= np.isnan(expected) & np.isnan(value)
    if not right.all():
        raise _mismatch(got, name, value, expected, ~right)


def assert_equal(got: Any, want: npt.ArrayLike, *, name: str | None = None) -> None:
    """`got` has the shape of `want` and exactly its values (NaN equals NaN). Raises Mismatch."""
    expected = np.asarray(want)
    value = _array(got, name)
    _check_shape(got, value, expected.shape, name)
    right = value == expected
    if expected.dtype.kind == "f" and value.dtype.kind == "f":
        right |= np.isnan(expected) & np.isnan(value)
    if not right.all():
        raise _mismatch(got, name, value, expected, ~right)


def assert_scalar(got: Any, want: float, *, rtol: float = RTOL, atol: float = ATOL, name: str | None = None) -> None:
    """`got` is one number, of shape () or (1,) or with more axes of length 1, close to `want`. Raises Mismatch."""
    value = _array(got, name)
    if value.size != 1:
        raise Mismatch(f"{_subject(got, name)} has shape {value.shape}; expected a single number{_input(got)}")
    single: Any = value.reshape(())
    if isinstance(got, Field):
        single = got.reshape(())
    assert_close(single, want, rtol=rtol, atol=atol, name=name)


def assert_same(got: Any, want: Any, what: str) -> None:
    """`got` equals `want`: numbers, strings, lists and None of the same kind. Raises Mismatch naming `what`."""
    if isinstance(got, np.ndarray):
        got = plain(got).tolist()
    if type(got) is not type(want) or got != want:
        raise Mismatch(f"{what} is wrong: got {_short(got)}, expected {_short(want)}.")


def assert_true(condition: bool, sentence: str) -> None:
    """`condition` holds; otherwise raises Mismatch with `sentence`, which says what was got and expected."""
    if not (isinstance(condition, (bool, np.bool_)) and condition):  # an array or an object would be truthy at will
        raise Mismatch(sentence)


def assert_dtype(got: Any, want: str = "float32", *, name: str | None = None) -> None:
    """`got` is an array of that dtype. Raises Mismatch."""
    value = _array(got, name)
    if value.dtype != np.dtype(want):
        raise Mismatch(f"{_subject(got, name)} has dtype {value.dtype}; expected {want}{_input(got)}")


def _array(got: Any, name: str | None) -> npt.NDArray[Any]:
    if isinstance(got, bool) or not isinstance(got, (np.ndarray, np.generic, int, float)):
        raise Mismatch(f"{name or 'the answer'} is {_short(got)}; expected an array of numbers.")
    return plain(got)


def _check_shape(got: Any, value: npt.NDArray[Any], shape: tuple[int, ...], name: str | None) -> None:
    if value.shape != shape:
        raise Mismatch(f"{_subject(got, name)} has shape {value.shape}; expected {shape}{_input(got)}")


def _mismatch(
    got: Any,
    name: str | None,
    value: npt.NDArray[Any],
    want: npt.NDArray[Any],
    wrong: npt.NDArray[np.bool_],
) -> Mismatch:
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f" at {list(first)}" if first else ""
    count, size = int(wrong.sum()), wrong.size
    share = f"; {count} of {size} values differ" if size > 1 else ""
    hint = pattern(value, want)
    return Mismatch(
        f"{_subject(got, name)} is wrong{place}: got {_number(value[first])}, expected {_number(want[first])}{share}"
        + (f", {hint}" if hint else "")
        + _input(got)
    )


def pattern(got: npt.NDArray[Any], want: npt.NDArray[Any]) -> str:
    """What all of the wrong values have in common, in words; empty where nothing simple explains them.

    got, want: arrays of the same shape.
    """
    got, want = got.astype(np.float64), want.astype(np.float64)
    bad = ~np.isfinite(got) & np.isfinite(want)
    if bad.any():
        return f"{int(bad.sum())} of them {'are NaN' if np.isnan(got[bad]).all() else 'are infinite or NaN'}"
    if not np.isfinite(want).all() or want.size == 0 or not np.abs(want).max() > 0:
        return ""
    if not got.any():
        return "all of them are zero" if got.size > 1 else ""
    if got.size < 3:
        return ""
    if got.ndim >= 2 and got.shape[-1] == got.shape[-2] and _alike(got, np.swapaxes(want, -1, -2)):
        return "as if the last two axes were swapped"
    for axis in range(got.ndim):
        if got.shape[axis] > 1 and _alike(got, np.flip(want, axis)):
            return f"as if axis {axis} were reversed"
    factor = float((got * want).sum() / (want * want).sum())
    if abs(factor) > 1e-6 and _alike(got, factor * want):
        return f"each is {_factor(factor)} what was expected"
    shift = float((got - want).mean())
    if np.abs(want).max() > 1e-6 and _alike(got, want + shift):
        return f"each is off by {_number(shift)}"
    return ""


def _alike(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    return bool(np.abs(a - b).max() <= 1e-4 * max(1e-12, np.abs(b).max()))


def _factor(factor: float) -> str:
    named = {-1.0: "minus", 0.5: "half of", 2.0: "twice", 0.25: "a quarter of", -0.5: "minus half of"}
    for value, words in named.items():
        if abs(factor - value) < 1e-3 * abs(value):
            return words
    return f"{factor:.4g} times"


def _subject(got: Any, name: str | None) -> str:
    """What is wrong, as far as it is known: "conv_backward: z_grad"."""
    question = _question(got)
    label = name or (got.label if isinstance(got, Field) and got.label else "the answer")
    return f"{question.probe}: {label}" if question else label


def _input(got: Any) -> str:
    question = _question(got)
    return f".\nInput: {question.inputs}." if question and question.inputs else "."


def _question(got: Any) -> Question | None:
    return got.question if isinstance(got, Field) else None


def _number(value: Any) -> str:
    return f"{float(value):.7g}" if np.asarray(value).dtype.kind == "f" else str(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."
