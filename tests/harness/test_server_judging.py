"""grader.server.desk.judging: what is right, and what a student is told of the rest."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.mugrade import codec
from grader.mugrade.codec import TypeName
from grader.server.desk.judging import finite, judge

RTOL, ATOL = 1e-4, 1e-5
MOMENT = datetime(2026, 11, 2, tzinfo=timezone.utc)


def right(value: Any, expected: Any) -> bool:
    judged = judge(value, expected, RTOL, ATOL)
    assert bool(judged.message) is not judged.correct  # a message if and only if it is wrong
    return judged.correct


def message(value: Any, expected: Any) -> str:
    judged = judge(value, expected, RTOL, ATOL)
    assert not judged.correct
    return judged.message


# -- what is right ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([1.0, 2.0]), np.array([1.0, 2.0])),
        (np.array([1.00009, 2.0]), np.array([1.0, 2.0])),
        ([1.0, 2.0], np.array([1.0, 2.0])),  # a client that sends arrays as lists
        (np.array([1.0, 2.0]), [1.0, 2.0]),  # the other way round
        ([[1], [2.0]], np.array([[1.0], [2.0]])),
        (np.array([1, 2]), np.array([1.0, 2.0])),
        (np.array([1.0, 2.0]), np.array([1, 2])),
        (np.array(3.0), 3.0),  # a scalar tensor is a number
        (3.0, np.array(3.0)),
        (3, 3.0),
        (3.0, 3),
        (np.array(True), True),
        (True, np.array(True)),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        ([], []),
        ([], np.zeros(0)),
        (np.zeros(0), []),
        ([1, 0.5], [1, 0.5]),
        (np.array([1, 0.50001]), [1, 0.5]),
        ({"a": [1, "x"], "b": None}, {"b": None, "a": [1, "x"]}),
        ("text", "text"),
        (None, None),
        (TypeName("int"), TypeName("int")),
        (MOMENT, MOMENT),
        (np.array([2**53 + 1]), np.array([2**53 + 1])),
        (np.array([True, False]), [True, False]),
        ([True, False], np.array([True, False])),
        (1e300, 1e300),
        (np.array([1e308, -1e308]), np.array([1e308, -1e308])),
    ],
)
def test_right(value: Any, expected: Any) -> None:
    """Equal values are right, however the client wraps them."""
    assert right(value, expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([1.001, 2.0]), np.array([1.0, 2.0])),
        (np.array([1.0]), np.array([1.0, 1.0])),  # would broadcast
        (np.array(1.0), np.array([1.0, 1.0])),
        (1.0, np.array([1.0])),
        (np.array([1.0]), 1.0),
        (np.ones((2, 1)), np.ones((1, 2))),
        (np.ones((3, 0)), np.ones((0, 3))),
        ([], np.zeros((0, 3))),
        (np.array([True]), np.array([1])),
        (np.array([1]), np.array([True])),
        (True, 1),
        (1, True),
        (True, 1.0),
        ([True, 1], [1, 1]),
        (np.array([2**53 + 1]), np.array([2**53])),
        (np.array([float(2**53)]), np.array([2**53 + 1])),
        (4.0001, 4),  # an integer is exact
        (np.array([4.00001]), np.array([4])),
        ([4.00001, 0.5], [4, 0.5]),
        (0, None),
        (None, 0),
        (False, None),
        ("1", 1),
        (1, "1"),
        ("Text", "text"),
        ([1, 2, 3], [1, 2]),
        ([1], [1, 2]),
        ({"a": 1}, {"b": 1}),
        ({"a": 1, "b": 1}, {"a": 1}),
        ({"a": 1}, {"a": 1, "b": 1}),
        ({"a": 1}, [1]),
        ([["a"]], ["a"]),
        (TypeName("int"), TypeName("float")),
        (TypeName("int"), "int"),
        (MOMENT, MOMENT.replace(tzinfo=None)),
        ([[1.0], [1.0, 2.0]], np.ones((2, 2))),
        (["1.0"], np.ones(1)),
        (-1.0, 1.0),
        (0.0, 1.0),
        (1e308, -1e308),
        (np.array([1e308]), np.array([-1e308])),
    ],
)
def test_wrong(value: Any, expected: Any) -> None:
    """What differs in value, shape or kind is wrong; nothing is broadcast, cut short or converted."""
    assert not right(value, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("other", [np.nan, np.inf, -np.inf, 0.0, 1e308])
def test_what_is_not_finite(bad: float, other: float) -> None:
    """NaN and infinity equal nothing, on either side, alone or in an array."""
    for value, expected in ((bad, other), (other, bad), (bad, bad)):
        assert not right(value, expected)
        assert not right(np.array([1.0, value]), np.array([1.0, expected]))
        assert not right([1, [value]], [1, [expected]])


def test_shape_before_finite_before_values() -> None:
    """The first thing that is wrong is what is told: shape, then finite, then the values."""
    assert "shape" in message(np.array([np.nan]), np.ones(2))
    assert "NaN" in message(np.array([np.nan, 5.0]), np.ones(2))
    assert "values" in message(np.array([1.0, 5.0]), np.ones(2))


def test_scale_is_of_the_whole_array() -> None:
    """The absolute tolerance goes with the largest value expected."""
    expected = np.array([1e4, 0.0])
    assert right(np.array([1e4, 0.09]), expected)
    assert not right(np.array([1e4, 0.11]), expected)
    assert not right(np.array([0.0, 1e-4]), np.array([0.0, 0.0]))  # at least 1


def test_zero_tolerance() -> None:
    """With no tolerance only the same is right."""
    assert judge(0.1, 0.1, 0.0, 0.0).correct
    assert not judge(np.nextafter(0.1, 1), 0.1, 0.0, 0.0).correct


# -- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected", "told"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), "the value has shape (2, 3); expected (3, 2)."),
        (
            np.array([[1.0, 9.0], [1.0, 9.0]]),
            np.ones((2, 2)),
            "the value is wrong: 2 of 4 values differ, the first one at [0, 1].",
        ),
        (np.array([9.0, 1.0]), np.ones(2), "the value is wrong: 1 of 2 values differs, the first one at [0]."),
        (5.0, 4.0, "the number is wrong."),
        ("a", "b", "the text is wrong."),
        (True, False, "the bool is wrong."),
        ("a", 1.0, "the value is text; expected a number."),
        ("a", np.ones(2), "the value is text; expected an array of shape (2,)."),
        (1.0, None, "the value is a number, which is not what is expected."),
        ([[1], [1, 2]], np.ones(2), "the value is a list that is no array; expected an array of shape (2,)."),
        ([1, "a"], [1], "the list has 2 items; expected 1."),
        ([1, ["a", 2]], [1, ["a", 3]], "the number at [1][1] is wrong."),
        ({"k": {"x": "a"}}, {"k": {"x": "b"}}, "the text at ['k']['x'] is wrong."),
        ({"mine\x1b": 1}, {"theirs": 1}, "the dict has the key 'mine\\x1b', which is not expected."),
        ({}, {"theirs": 1}, "the dict has 0 keys; expected 1."),
        (np.array([True]), np.ones(1), "the value holds bools; expected numbers."),
        (
            np.array([0.0, np.inf]),
            np.ones(2),
            "the value holds NaN or infinity at [1]; expected finite numbers.",
        ),
    ],
)
def test_messages(value: Any, expected: Any, told: str) -> None:
    """One sentence that says what is wrong and where."""
    assert message(value, expected) == told


def test_length_of_a_key() -> None:
    """A key of a student's own is cut short."""
    assert len(message({"x" * 10_000: 1}, {"a": 1})) < 120


# -- properties ------------------------------------------------------------------------------------------------------

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1)
ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.int64, np.bool_]), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
).filter(lambda array: bool(np.isfinite(array).all()))
LEAVES = NUMBERS | ARRAYS | st.text(max_size=5) | st.booleans() | st.none() | st.just(TypeName("int"))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
SLOWLY = settings(max_examples=150, deadline=None, derandomize=True)


@given(VALUES)
@SLOWLY
def test_a_value_is_right_for_itself(value: Any) -> None:
    """Whatever is published, the same value posted is right; also after a journey over the wire, and as bare lists."""
    assert right(value, value)
    assert right(codec.loads(codec.dumps(value)), codec.loads(codec.dumps(value)))


@given(VALUES, VALUES)
@SLOWLY
def test_any_two_values_can_be_compared(value: Any, expected: Any) -> None:
    """Judging never fails, and its message is one short sentence."""
    judged = judge(value, expected, RTOL, ATOL)
    assert "\n" not in judged.message
    assert len(judged.message) < 1000


@given(ARRAYS.filter(lambda array: array.size > 0 and array.dtype != np.bool_), st.data())
@SLOWLY
def test_one_wrong_value_is_found(expected: np.ndarray, data: st.DataObject) -> None:
    """One value of an array moved by much more than the tolerance is wrong, wherever it is."""
    where = tuple(data.draw(st.integers(0, side - 1)) for side in expected.shape)
    value = expected.astype(np.float64)
    scale = max(1.0, float(np.abs(value).max()))
    value[where] += scale if value[where] <= 0 else -scale
    if np.isfinite(value[where]):
        assert not right(value, expected)


@given(
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(1e3, 1e9)),
    st.floats(1e10, 1e12),
)
@SLOWLY
def test_the_answer_is_never_told(expected: np.ndarray, other: float) -> None:
    """No number of the published answer is in the message, whatever is posted: wrong values, or another shape."""
    for value in (np.full(expected.shape, other), np.full((*expected.shape, 2), other), "text", other, [other]):
        told = judge(value, expected, RTOL, ATOL).message
        numbers = {float(number) for number in re.findall(r"\d+\.?\d*(?:e[+-]?\d+)?", told)}
        assert not numbers & set(expected.ravel().tolist())


@given(ARRAYS, ARRAYS)
@SLOWLY
def test_shapes_must_be_equal(value: np.ndarray, expected: np.ndarray) -> None:
    """Arrays of different shapes are never equal: nothing is broadcast."""
    if value.shape != expected.shape:
        assert not right(value, expected)


@given(VALUES)
@SLOWLY
def test_what_the_codec_lets_in_is_finite(value: Any) -> None:
    """So publishing refuses none of it."""
    assert finite(codec.loads(codec.dumps(value)))


@pytest.mark.parametrize("value", [np.nan, np.array([1, np.inf]), [1, [np.nan]], {"a": np.inf}])
def test_not_finite(value: Any) -> None:
    """NaN and infinity are found wherever they are."""
    assert not finite(value)
