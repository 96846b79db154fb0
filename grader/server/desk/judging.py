"""Is a posted value right? Shape first, then finite, then the tolerance; whole arrays, never a prefix, never broadcast.

The published answer says how it is compared:

    array or list of floats   the same shape, then |got - want| <= atol * scale + rtol * |want| for every value, scale
                              being the largest |want| but at least 1 (the rule of grader.compare.assert_close)
    number with a fraction    the same, as an array of shape ()
    integers, alone or in an array, text, bools, None, types, times      exactly
    list, dict                the same length or keys, then item by item

An array may come as nested lists and the other way round: clients differ in that. A number may come as an array of
shape () and the other way round, since `x.sum()` gives either; but (1,) is no (). 2.0 is as good as 2. A bool is no
number. NaN and infinity are never right, not even where the answer has them (which publishing refuses).

What a student is told helps without giving the answer away: a shape, a length, a kind, how many values differ and where
the first one is. Never an expected value, nor in which direction a value is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.mugrade.codec import TypeName

Array = npt.NDArray[Any]
_KEY_SHOWN = 40  # characters of a dict's key in a message
_NUMERIC = "iuf"  # NumPy's kinds of numbers; "b", bool, is none


@dataclass(frozen=True)
class Judged:
    """The verdict on a value."""

    correct: bool
    message: str  # for the student; empty where it is correct


@dataclass(frozen=True)
class _Tolerance:
    rtol: float
    atol: float


def judge(value: Any, expected: Any, rtol: float, atol: float) -> Judged:
    """Compare a value with the published one, both as codec.loads gives them. Never raises for such values."""
    fault = _fault(value, expected, _Tolerance(rtol, atol), "")
    return Judged(True, "") if fault is None else Judged(False, fault)


def finite(value: Any) -> bool:
    """Whether every number in the value is finite; what is published must be."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind != "f" or bool(np.isfinite(value).all())
    if isinstance(value, float):
        return bool(np.isfinite(value))
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    return all(map(finite, value)) if isinstance(value, list) else True


def _fault(got: Any, want: Any, tolerance: _Tolerance, place: str) -> str | None:
    """What is wrong with `got`, in a sentence; None where nothing is."""
    got, want = _unwrapped(got), _unwrapped(want)
    wanted = _as_array(want)
    if wanted is not None:
        return _array_fault(got, wanted, tolerance, place)
    if isinstance(want, list):
        return _list_fault(got, want, tolerance, place)
    if isinstance(want, dict):
        return _dict_fault(got, want, tolerance, place)
    if _kind(got) != _kind(want):
        return _wrong_kind(got, want, place)
    return None if got == want else f"{_subject(_kind(want), place)} is wrong."


def _array_fault(got: Any, want: Array, tolerance: _Tolerance, place: str) -> str | None:
    value = _as_array(got) if _is_array_like(got) else None
    if value is None and isinstance(got, list):
        value = _from_lists(got)
        if value is None:
            return f"{_subject('value', place)} is a list that is no array; expected an array of shape {want.shape}."
    if value is None:
        return _wrong_kind(got, want, place)
    if value.shape != want.shape:
        return f"{_subject('value', place)} has shape {value.shape}; expected {want.shape}."
    if (value.dtype.kind == "b") is not (want.dtype.kind == "b") and value.size:
        kinds = ("bools", "numbers") if value.dtype.kind == "b" else ("numbers", "bools")
        return f"{_subject('value', place)} holds {kinds[0]}; expected {kinds[1]}."
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        return f"{_subject('value', place)} holds NaN or infinity{_at(~np.isfinite(value))}; expected finite numbers."
    wrong = ~_near(value, want, tolerance)
    if not wrong.any():
        return None
    if not want.shape:
        return f"{_subject('number', place)} is wrong."
    count = int(wrong.sum())
    differ = f"{count} of {wrong.size} values {'differs' if count == 1 else 'differ'}"
    return f"{_subject('value', place)} is wrong: {differ}, the first one{_at(wrong)}."


def _near(value: Array, want: Array, tolerance: _Tolerance) -> npt.NDArray[np.bool_]:
    """Where the two, of the same shape, agree."""
    if want.dtype.kind != "f":
        if value.dtype.kind == want.dtype.kind:
            return np.asarray(value == want)
        # Python compares an integer with a float exactly; NumPy would round the integer to a float first.
        return np.asarray(value.astype(object) == want.astype(object)).astype(np.bool_)
    finite_want = np.isfinite(want)
    value = value.astype(np.float64)
    with np.errstate(all="ignore"):  # inf - inf, and differences of huge numbers: no reason for a warning
        scale = max(1.0, float(np.abs(want[finite_want]).max(initial=0.0)))
        near = np.abs(value - want) <= tolerance.atol * scale + tolerance.rtol * np.abs(want)
    # Only where a finite value is expected: |x - inf| <= inf would let every number pass for an infinity.
    return np.asarray(finite_want & near)


def _list_fault(got: Any, want: list[Any], tolerance: _Tolerance, place: str) -> str | None:
    if isinstance(got, np.ndarray):
        got = got.tolist()
    if not isinstance(got, list):
        return _wrong_kind(got, want, place)
    if len(got) != len(want):
        return f"{_subject('list', place)} has {len(got)} items; expected {len(want)}."
    for i, (one, other) in enumerate(zip(got, want, strict=True)):
        if fault := _fault(one, other, tolerance, f"{place}[{i}]"):
            return fault
    return None


def _dict_fault(got: Any, want: dict[str, Any], tolerance: _Tolerance, place: str) -> str | None:
    if not isinstance(got, dict):
        return _wrong_kind(got, want, place)
    for key in got:
        if key not in want:
            return f"{_subject('dict', place)} has the key {_shown(key)}, which is not expected."
    if len(got) != len(want):
        return f"{_subject('dict', place)} has {len(got)} keys; expected {len(want)}."
    for key, item in want.items():
        if fault := _fault(got[key], item, tolerance, f"{place}[{_shown(key)}]"):
            return fault
    return None


def _as_array(value: Any) -> Array | None:
    """An array, a number as one of shape (), and lists of floats alone; None for everything that is compared exactly.

    A list with an integer in it is compared item by item: a class label beside a loss must be exact.
    """
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in _NUMERIC + "b" else None
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return np.asarray(value)
    if isinstance(value, list) and value:
        found = _from_lists(value)
        return found if found is not None and found.size and _only_floats(value) else None
    return None


def _is_array_like(value: Any) -> bool:
    return isinstance(value, (np.ndarray, int, float)) and not isinstance(value, bool)


def _from_lists(value: list[Any]) -> Array | None:
    """The array of nested lists; None where they are ragged, or hold anything but numbers alone or bools alone."""
    shape: list[int] = []
    level: list[Any] = [value]
    while level and all(isinstance(item, list) for item in level):
        lengths = {len(item) for item in level}
        if len(lengths) > 1 or len(shape) == 32:  # as many axes as NumPy 1 has
            return None
        shape.append(lengths.pop())
        level = [item for part in level for item in part]
    kinds = {type(item) for item in level}
    if not (kinds <= {int, float} or kinds == {bool}):
        return None
    try:
        return np.array(level, np.float64 if float in kinds or not kinds else None).reshape(shape)
    except OverflowError:  # beyond 64 bits; the codec lets none in
        return None


def _only_floats(value: Any) -> bool:
    return all(map(_only_floats, value)) if isinstance(value, list) else type(value) is float


def _unwrapped(value: Any) -> Any:
    """An array of shape () is what it holds."""
    return value.item() if isinstance(value, np.ndarray) and not value.shape else value


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return "array"
    names = {bool: "bool", str: "text", list: "list", dict: "dict", TypeName: "type", type(None): "None"}
    if isinstance(value, datetime):
        return "time"
    return names.get(type(value), "number")


def _wrong_kind(got: Any, want: Any, place: str) -> str:
    is_what = f"{_subject('value', place)} is {_with_article(_kind(got))}"
    kind = _kind(_unwrapped(want))
    # Where the kind says it all, it would be the answer.
    return f"{is_what}, which is not what is expected." if kind == "None" else f"{is_what}; expected {_expected(want)}."


def _expected(want: Any) -> str:
    if isinstance(want, np.ndarray) and want.shape:
        return f"an array of shape {want.shape}"
    want = _unwrapped(want)
    return _with_article(_kind(want))


def _with_article(kind: str) -> str:
    return {"None": "None", "text": "text", "array": "an array"}.get(kind, f"a {kind}")


def _subject(what: str, place: str) -> str:
    return f"the {what}{f' at {place}' if place else ''}"


def _at(wrong: npt.NDArray[np.bool_]) -> str:
    """Where the first true value is; nothing for a single number."""
    return f" at {[int(i) for i in np.argwhere(wrong)[0]]}" if wrong.shape else ""


def _shown(key: str) -> str:
    """A key of the student's own; repr spells out what would act in a terminal or a log."""
    return repr(key if len(key) <= _KEY_SHOWN else key[: _KEY_SHOWN - 3] + "...")
