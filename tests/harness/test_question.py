"""A question in words: what a student reads behind "Input:"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.errors import GraderError
from grader.subject.question import Question, arguments, describe


def conv(needle: Any, device: Any, z: Any, w: Any = None, *, stride: int = 1, padding: int = 0) -> None:
    """A probe with named arguments."""


def anything(needle: Any, device: Any, *values: Any, **named: Any) -> None:
    """A probe that takes any."""


def shown(value: Any) -> str:
    return describe(anything, [], {"x": value}).inputs.removeprefix("x ")


def test_arguments_stand_under_the_probes_own_names() -> None:
    """Arrays by their shape, everything else by its value, in the probe's order."""
    question = describe(conv, [np.zeros((1, 4, 4, 1)), np.zeros((3, 3, 1, 1))], {"padding": 1, "stride": 2})
    assert question == Question("conv", "z (1, 4, 4, 1), w (3, 3, 1, 1), stride 2, padding 1")


def test_what_was_not_given_is_not_shown() -> None:
    """Defaults are left out, and needle and the device are not of interest."""
    assert describe(conv, [3], {}).inputs == "z 3"


def test_a_probe_without_arguments_has_no_input() -> None:
    """The words are empty then."""
    assert describe(anything, [], {}) == Question("anything", "")


WORDS = [
    (np.zeros(()), "()"),
    (np.zeros((0, 3)), "(0, 3)"),
    (np.float32(0.5), "0.5"),
    (np.int64(2), "2"),
    (np.bool_(True), "True"),
    ("relu", "'relu'"),
    (None, "None"),
    (float("nan"), "nan"),
    ([1, 2], "[1, 2]"),
    ((3,), "(3,)"),
    ([np.int64(1), 2], "[1, 2]"),
    ([(1, 2), (3,)], "[(1, 2), (3,)]"),
    ([np.zeros(2), 1], "[(2,), 1]"),
    ([[np.zeros(2)], []], "[[(2,)], []]"),
    ({"w": np.zeros((2, 3)), "n": 1}, "{w: (2, 3), n: 1}"),
    ([np.zeros(2)] * 6, "[(2,), (2,), (2,), (2,), ... 2 more]"),
    ({str(i): i for i in range(5)}, "{0: 0, 1: 1, 2: 2, 3: 3, ... 1 more}"),
    ([], "[]"),
    ({}, "{}"),
]


@pytest.mark.parametrize(("value", "words"), WORDS, ids=[words for _, words in WORDS])
def test_values_in_words(value: Any, words: str) -> None:
    """Numbers of NumPy look like Python's, and long lists of arrays are cut."""
    assert shown(value) == words


@pytest.mark.parametrize("value", ["x" * 1000, list(range(1000)), 10**500], ids=["text", "list", "integer"])
def test_long_values_are_cut(value: Any) -> None:
    """So that the line stays readable."""
    assert len(shown(value)) == 120
    assert shown(value).endswith("...")


def test_line_breaks_do_not_break_the_line() -> None:
    """A text is shown as Python writes it."""
    assert shown("a\nb\x1b") == r"'a\nb\x1b'"


def test_any_number_of_arguments() -> None:
    """Those without a name of their own stand in a list, the others under theirs."""
    assert describe(anything, [np.zeros(3), 2], {"name": "b"}).inputs == "values [(3,), 2], name 'b'"


def test_arguments_are_the_values_themselves() -> None:
    """`repro` prints them whole."""
    z = np.zeros(3)
    ((name, value), (other, stride)) = arguments(conv, [z], {"stride": 2})
    assert (name, other, stride) == ("z", "stride", 2)
    assert value is z


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [([], {}), ([1, 2, 3], {}), ([1], {"z": 2}), ([1], {"strides": 2}), ([1], {"needle": 2})],
    ids=["too-few", "too-many", "twice", "unknown", "needle"],
)
def test_a_wrong_call_is_our_fault(args: list[Any], kwargs: dict[str, Any]) -> None:
    """A test that calls a probe wrongly stops the run and costs nobody a point."""
    with pytest.raises(GraderError, match="the probe conv was called wrongly by a test"):
        describe(conv, args, kwargs)
