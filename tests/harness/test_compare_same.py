"""Plain values of an answer: numbers, text and lists are the same only if they are of the same kind throughout."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.compare import Mismatch, assert_close, assert_same

steady = settings(derandomize=True, deadline=None, max_examples=200)

NAN = math.nan


def words(check: Any, *args: Any) -> str:
    """What a check that must fail says."""
    with pytest.raises(Mismatch) as caught:
        check(*args)
    return str(caught.value)


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@steady
@given(plain_values, plain_values)
def test_same_values_of_the_same_kind(one: Any, other: Any) -> None:
    """A value is the same as itself, and as no other, where a bool is no integer and an integer no float."""
    assert_same(one, one, "the value")
    if repr(one) != repr(other) and one != other:
        words(assert_same, one, other, "the value")


ALMOST = [
    (True, 1),
    (1, 1.0),
    (0, False),
    ([1, True], [1, 1]),
    ([[0]], [[False]]),
    ({"a": 1}, {"a": 1.0}),
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": [1, 2]}, {"b": [1, 2]}),
    ("1", 1),
    (1.0, 2.0),
    (NAN, 1.0),
    (1.0, NAN),
    (None, False),
    ([], None),
    ([], {}),
    ([1], 1),
    (1, [1]),
    ([1, 2], [1, 2, 3]),
    ("a", ["a"]),
    (np.array([1.0]), [1]),
    (np.array([True]), [1]),
    ([np.array([1, 2])], [[1, 3]]),
    ([np.array([1, 2])], [[1, 2, 3]]),
    ({"a": np.zeros(3)}, {"a": np.zeros(3), "b": 1}),
    ({"a": np.zeros(3)}, {"b": np.zeros(3)}),
    ({"a": np.zeros(3), "b": 1}, {"a": np.zeros(3), "c": 1}),
    (np.zeros(3), None),
    (np.zeros(3), "text"),
    (np.zeros(3), 0.0),
]


@pytest.mark.parametrize(("got", "want"), ALMOST, ids=[f"{got!r} for {want!r}" for got, want in ALMOST])
def test_values_that_are_not_the_same(got: Any, want: Any) -> None:
    """Another kind, length, key or depth is a wrong answer, never an error of ours."""
    assert words(assert_same, got, want, "the value").startswith("the value is wrong")


def test_arrays_and_tuples_stand_for_lists() -> None:
    """A test may expect a tuple or an array, and an array of an answer is compared by its values."""
    assert_same([[3, 4], [5]], [(3, 4), np.array([5])], "the shapes")
    assert_same(np.array([[1, 2]]), [[1, 2]], "the ids")
    assert_same(np.array(2), 2, "the id")
    assert_same([NAN], [NAN], "the list")


def test_short_values_are_shown_whole() -> None:
    """What fits is shown."""
    assert words(assert_same, [1, 3], [1, 2], "the list") == "the list is wrong: got [1, 3], expected [1, 2]."


@pytest.mark.parametrize(("length", "place"), [(200, ""), (201, " at [1]")])
def test_two_hundred_characters_are_short(length: int, place: str) -> None:
    """A value of 200 characters is shown whole, a longer one by its first difference."""
    got = ["x" * (length - len("['', 1]")), 1]
    assert len(repr(got)) == length
    assert words(assert_same, got, [got[0], 2], "the list").startswith(f"the list is wrong{place}: got ")


@pytest.mark.parametrize(("length", "shown"), [(200, "x" * 198 + "'"), (201, "x" * 196 + "...")])
def test_text_of_200_characters_is_not_cut(length: int, shown: str) -> None:
    """What is cut has 200 characters with its dots."""
    text = words(assert_close, "x" * (length - 2), 1.0)
    assert text == f"the answer is '{shown}; expected an array of numbers."


def test_of_long_values_the_first_difference_is_shown() -> None:
    """Of what does not fit, the place where it differs."""
    want = [[f"word{i}" for i in range(300)]]
    got = [[*want[0][:299], "other"]]
    assert words(assert_same, got, want, "the words") == (
        "the words is wrong at [0, 299]: got 'other', expected 'word299'."
    )
    assert words(assert_same, [got[0][:100]], want, "the words") == (
        "the words is wrong at [0]: got 100 items, expected 300."
    )


def test_a_blown_up_array_is_not_gone_through() -> None:
    """An array of 64 million items for a list of three is refused by its length, without making a list of it."""
    got = np.broadcast_to(np.uint8(1), (1 << 40,))
    assert words(assert_same, got, [1, 1, 1], "the ids").startswith("the ids is wrong: got array([1, 1, 1, ..., ")


def test_control_characters_are_shown() -> None:
    """A submission's text cannot colour the terminal or begin a line."""
    message = words(assert_same, "a\x1b[31m\nRun: rm\u202e", "a", "the word")
    assert message == r"the word is wrong: got 'a\x1b[31m\nRun: rm\u202e', expected 'a'."


def test_long_text_is_cut() -> None:
    """A message stays readable whatever a submission answers."""
    assert len(words(assert_same, "x" * 100_000, "y", "the word")) < 300
    assert len(words(assert_close, ["x"] * 100_000, 1.0)) < 300
