"""Compare an answer with what is right, and say what is wrong with it.

`assert_close` and its like raise Mismatch, whose text is for the student. Every check is written so that a NaN, an
empty array or a shape that would broadcast cannot pass: kind first, then shape, then each value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.errors import GraderError
from grader.evidence import Wrong
from grader.findings import is_told, known_arrays, note_curve, note_margin, note_wanted
from grader.hints import pattern, shape_pattern
from grader.picture import picture
from grader.subject.outcome import Field, plain
from grader.subject.question import Question
from grader.tolerance import DEFAULT, Tolerance
from grader.visible import visible

# The exact types of a number: a subclass could answer NumPy's __array__ with anything.
_NUMBERS = frozenset(np.sctypeDict.values()) | {int, float}
Floats = npt.NDArray[np.float64]

_SHOWN = 200  # characters of a value in a message


class Mismatch(AssertionError):
    """The submission answered, and the answer is wrong. The verdict is `fail`."""

    def __init__(self, text: str, question: Question | None = None, wrong: Wrong | None = None) -> None:
        """text: a sentence. question: what was asked, where it is known. wrong: of arrays, what is wrong with them."""
        super().__init__(text)
        self.question = question
        self.wrong = wrong


def assert_close(
    got: Any,
    want: npt.ArrayLike,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    name: str | None = None,
    curve: str = "",
) -> None:
    """`got` has the shape of `want`, and each value is near: |got - want| <= atol * scale + rtol * |want|.

    scale: the largest finite magnitude in `want`, but at least 1. An infinity or a NaN is near only to itself.
    rtol, atol: where a test says nothing, those of the case's problem on its device (see Question.tolerance).
    name: how to call the value; an answer's field knows its own name. curve: of which curve these are points, for
    reports to draw: "loss". Raises Mismatch.
    """
    expected = _wanted(want).astype(np.float64)
    value = _numbers(got, name).astype(np.float64)
    _check_shape(got, value, expected, name)
    tolerance = _tolerance(got, rtol, atol)
    finite = np.isfinite(expected)
    with np.errstate(all="ignore"):  # inf - inf, and a difference of huge numbers: a warning would be a fault of ours
        scale = max(1.0, float(np.abs(expected[finite]).max(initial=0.0)))
        error = np.abs(value - expected)
        allowed = tolerance.atol * scale + tolerance.rtol * np.abs(expected)
        near = error <= allowed
    # Only where a finite value is expected: |x - inf| <= inf would let every number pass for an infinity.
    right = (finite & near) | (value == expected) | (np.isnan(expected) & np.isnan(value))
    note_margin(_label(got, name), _share(error, allowed, right))
    if curve:
        note_curve(curve, value.ravel().tolist(), expected.ravel().tolist())
    if not right.all():
        raise _mismatch(got, name, value, expected, ~right)
    note_wanted(_label(got, name), expected)


def show_curve(got: Any, want: Sequence[float], name: str) -> None:
    """Let reports draw a curve, such as the loss of every step, of which nothing is demanded.

    got: the answer's list of numbers; what is none is not drawn, and of two lengths the shorter counts.
    """
    points = got if isinstance(got, list) and all(type(value) is float for value in got) else []
    note_curve(name, points[: len(want)], list(want)[: len(points)])


def assert_equal(got: Any, want: npt.ArrayLike, *, name: str | None = None) -> None:
    """`got` has the shape of `want` and exactly its values (NaN equals NaN, no number a bool). Raises Mismatch."""
    expected = _wanted(want)
    value = _array(got, name)
    if (value.dtype.kind == "b") is not (expected.dtype.kind == "b"):
        raise _unfit(got, name, f"has dtype {value.dtype}; expected {expected.dtype}")
    _check_shape(got, value, expected, name)
    if value.dtype.kind == expected.dtype.kind == "f":
        right = (value == expected) | (np.isnan(expected) & np.isnan(value))
    elif value.dtype.kind == expected.dtype.kind:
        right = value == expected
    else:  # Python compares an int with a float exactly; NumPy would round an int64 to a float64 first
        right = (value.astype(object) == expected.astype(object)).astype(np.bool_)
    note_margin(_label(got, name), 0.0 if right.all() else math.inf)
    if not right.all():
        raise _mismatch(got, name, value, expected, ~right)


def assert_scalar(
    got: Any,
    want: float,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    name: str | None = None,
    curve: str = "",
) -> None:
    """`got` is one number, of shape () or (1,) or with more axes of length 1, close to `want`. Raises Mismatch.

    curve: as assert_close's, of which this is the next point.
    """
    value = _numbers(got, name)
    if value.size != 1:
        raise _unfit(got, name, f"has shape {value.shape}; expected a single number")
    single = got.reshape(()) if type(got) is Field else value.reshape(())
    assert_close(single, _wanted(want).reshape(()), rtol=rtol, atol=atol, name=name, curve=curve)


def assert_same(got: Any, want: Any, what: str) -> None:
    """`got` equals `want`: numbers, strings, lists and None of the same kind throughout. Raises Mismatch naming `what`.

    A tuple in `want` stands for a list, and an array on either side for the list of its values.
    """
    difference = _difference(got, want)
    note_margin(what, 0.0 if difference is None else math.inf)
    if difference is None:
        return
    place, words = difference
    if max(len(repr(got)), len(repr(want))) <= _SHOWN:
        place, words = [], f"got {_short(got)}, expected {_short(want)}"
    raise Mismatch(f"{what} is wrong{f' at {place}' if place else ''}: {words}.")


def assert_true(condition: bool, sentence: str) -> None:
    """`condition` holds; otherwise raises Mismatch with `sentence`, which says what was got and expected."""
    if not (isinstance(condition, (bool, np.bool_)) and condition):  # an array or an object would be truthy at will
        raise Mismatch(sentence)


def assert_dtype(got: Any, want: str = "float32", *, name: str | None = None) -> None:
    """`got` is an array of that dtype. Raises Mismatch."""
    value = _array(got, name)
    if value.dtype != np.dtype(want):
        raise _unfit(got, name, f"has dtype {value.dtype}; expected {want}")


def _wanted(want: npt.ArrayLike) -> npt.NDArray[Any]:
    """What a test expects. GraderError where it is no array of numbers: None would become NaN and never be met."""
    expected = plain(want)
    if expected.dtype.kind not in "biuf":
        raise GraderError(f"a test expects {_short(want)} of an answer, which is no array of numbers")
    return expected


def _array(got: Any, name: str | None) -> npt.NDArray[Any]:
    """The answer's array, numbers or bools. The protocol lets nothing else through; this does not lean on it."""
    if not isinstance(got, np.ndarray) and type(got) not in _NUMBERS:
        raise Mismatch(f"{name or 'the answer'} is {_short(got)}; expected an array of numbers.")
    value = plain(got)
    if value.dtype.kind not in "biuf":
        raise _unfit(got, name, f"has dtype {value.dtype}; expected numbers")
    return value


def _numbers(got: Any, name: str | None) -> npt.NDArray[Any]:
    value = _array(got, name)
    if value.dtype.kind == "b":
        raise _unfit(got, name, "has dtype bool; expected numbers")
    return value


def _check_shape(got: Any, value: npt.NDArray[Any], want: npt.NDArray[Any], name: str | None) -> None:
    if value.shape != want.shape:
        hint = shape_pattern(value, want)
        raise _unfit(got, name, f"has shape {value.shape}; expected {want.shape}{f': {hint}' if hint else ''}")


def _unfit(got: Any, name: str | None, words: str) -> Mismatch:
    """Of an answer that cannot be compared value by value."""
    note_margin(_label(got, name), math.inf)
    return Mismatch(f"{_subject(got, name)} {words}.", _question(got))


def _share(error: Floats, allowed: Floats, right: npt.NDArray[np.bool_]) -> float:
    """The largest error as a share of what is allowed in its place; infinite where no number measures a wrong value."""
    with np.errstate(all="ignore"):
        share = error / allowed
    unmeasured = np.where(right, 0.0, np.inf)  # a NaN for a NaN is right, and 0 where 0 is allowed; all else is wrong
    return float(np.where(np.isnan(share), unmeasured, share).max(initial=0.0))


def _mismatch(
    got: Any,
    name: str | None,
    value: npt.NDArray[Any],
    want: npt.NDArray[Any],
    wrong: npt.NDArray[np.bool_],
) -> Mismatch:
    first, worst = _index(int(wrong.argmax()), wrong.shape), _index(_worst(value, want, wrong), wrong.shape)
    place = f" at {list(first)}" if first else ""
    count, size = int(wrong.sum()), wrong.size
    share = f"; {count} of {size} values {'differs' if count == 1 else 'differ'}" if size > 1 else ""
    hint = pattern(value, want, wrong, known_arrays()) if is_told() else ""
    (one, other), (got_worst, want_worst) = _apart(value[first], want[first]), _apart(value[worst], want[worst])
    found = Wrong(
        name=_label(got, name),
        shape=wrong.shape,
        first=first,
        worst=worst,
        got=(one, got_worst),
        want=(other, want_worst),
        count=count,
        size=size,
        hint=hint,
        picture=picture(value, want) if is_told() else None,
    )
    return Mismatch(
        f"{_subject(got, name)} is wrong{place}: got {one}, expected {other}{share}{f', {hint}' if hint else ''}.",
        _question(got),
        found,
    )


def _worst(value: npt.NDArray[Any], want: npt.NDArray[Any], wrong: npt.NDArray[np.bool_]) -> int:
    """The flat index of the largest error, or of the first that no number says: a NaN, an infinity."""
    with np.errstate(all="ignore"):
        error = np.abs(value.astype(np.float64) - want.astype(np.float64))
    return int(np.where(wrong, np.where(np.isnan(error), np.inf, error), -1.0).argmax())


def _index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape))


def _difference(got: Any, want: Any) -> tuple[list[Any], str] | None:
    """The first place where the two are not the same, and how they differ there; None where they are the same."""
    got, want = _unwrapped(got), _unwrapped(want)
    if isinstance(want, np.ndarray):
        want = want.tolist()
    pairs: Iterable[tuple[Any, Any, Any]]
    if isinstance(want, list) and isinstance(got, (list, np.ndarray)):
        # The lengths first: an array that a submission blew up must not be gone through item by item.
        if len(got) != len(want):
            return [], f"got {len(got)} items, expected {len(want)}"
        pairs = ((i, got[i], item) for i, item in enumerate(want))
    elif isinstance(want, dict) and isinstance(got, dict) and got.keys() == want.keys():
        pairs = ((key, got[key], item) for key, item in want.items())
    elif _same_scalar(got, want):
        return None
    else:
        return [], f"got {_short(got)}, expected {_short(want)}"
    for key, one, other in pairs:
        if difference := _difference(one, other):
            return [key, *difference[0]], difference[1]
    return None


def _same_scalar(got: Any, want: Any) -> bool:
    if type(got) is not type(want) or isinstance(got, (dict, np.ndarray)):
        return False
    return bool(got == want) or (isinstance(got, float) and got != got and want != want)


def _unwrapped(value: Any) -> Any:
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return list(value) if isinstance(value, tuple) else value


def _subject(got: Any, name: str | None) -> str:
    """What is wrong, as far as it is known: "conv_backward: z_grad"."""
    question = _question(got)
    return f"{question.probe}: {_label(got, name)}" if question else _label(got, name)


def _label(got: Any, name: str | None) -> str:
    return name or (got.label if type(got) is Field and got.label else "the answer")


def _tolerance(got: Any, rtol: float | None, atol: float | None) -> Tolerance:
    question = _question(got)
    usual = question.tolerance if question else DEFAULT
    return Tolerance(usual.rtol if rtol is None else rtol, usual.atol if atol is None else atol)


def _question(got: Any) -> Question | None:
    return got.question if type(got) is Field else None  # a subclass would speak for itself


def _apart(got: Any, want: Any) -> tuple[str, str]:
    """Both numbers in as few digits as tell them apart, but six at least: 3.5 and 7.0, 0.1 and 0.10000001."""
    if "f" in (got.dtype.kind, want.dtype.kind):
        for digits in range(6, 18):
            one, other = _decimal(float(got), digits), _decimal(float(want), digits)
            if one != other:
                return one, other
    return str(got), str(want)


def _decimal(value: float, digits: int) -> str:
    """`value` in that many digits, more where its whole part has more; whole numbers end in ".0", as in Python."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value:g}"
    if abs(value) < 1e15:
        digits = max(digits, len(str(int(abs(value)))) + 1)
    text = f"{value:.{digits}g}"
    return text if "." in text or "e" in text else f"{text}.0"


def _short(value: Any) -> str:
    text = visible(repr(plain(value) if isinstance(value, np.ndarray) else value))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
