"""Answers and failures to answer: what a hostile worker may say, and what a student then reads."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.subject.outcome import IMPORTING, MAX_FRAMES, Answer, Field, SubjectError, plain, raised
from grader.subject.question import Question

steady = settings(derandomize=True, deadline=None, max_examples=200)

QUESTION = Question("conv", "z (1, 4), stride 2")
HONEST = {
    "type": "ValueError",
    "text": "no such axis",
    "lines": [["python/needle/ops.py", 12, "conv", "return a.sum(axes=7)"]],
    "not_implemented": False,
    "memory": False,
}


# -- answers -----------------------------------------------------------------------------------------------------


def test_an_array_knows_its_name_and_question() -> None:
    """In a dict and a list, too."""
    answer = Answer(QUESTION, {"a": np.zeros(2), "b": [np.zeros(2), {"c": np.zeros(2)}]})
    fields = [answer.a, answer.b[0], answer.b[1]["c"]]
    assert [type(field) for field in fields] == [Field] * 3
    assert [field.label for field in fields] == ["a", "b[0]", "b[1]['c']"]
    assert all(field.question is QUESTION for field in fields)


def test_other_values_are_themselves() -> None:
    """Numbers, text and None come as they were sent."""
    answer = Answer(QUESTION, {"n": 3, "x": 0.5, "s": "text", "none": None, "flag": True, "list": [1, "a"]})
    assert (answer.n, answer.x, answer.s, answer.none, answer.flag, answer.list) == (
        3,
        0.5,
        "text",
        None,
        True,
        [1, "a"],
    )
    assert type(answer.x) is float


def test_a_view_of_an_array_keeps_its_name() -> None:
    """A part of an answer is still named in a message."""
    field = Answer(QUESTION, {"a": np.arange(6.0).reshape(2, 3)}).a
    assert (field[1].label, field.T.label, (field + 1).label) == ("a", "a", "a")


def test_a_new_array_has_no_name() -> None:
    """A Field that came from nowhere has neither label nor question."""
    field = np.zeros(2).view(Field)
    assert (field.label, field.question) == (None, None)


def test_plain_takes_the_name_off() -> None:
    """The same memory without the label."""
    field = Answer(QUESTION, {"a": np.arange(3.0)}).a
    assert type(plain(field)) is np.ndarray
    assert np.shares_memory(plain(field), field)


def test_a_value_that_was_not_given_is_the_submissions_error() -> None:
    """A probe always gives all of its values; one that is not there was left out by a forger."""
    with pytest.raises(SubjectError) as caught:
        _ = Answer(QUESTION, {"a": 1}).b
    assert str(caught.value) == "conv gave no value 'b'\nInput: z (1, 4), stride 2."


def test_private_names_are_not_values() -> None:
    """Python's own look-ups (copy, pickle) get the answer that they expect."""
    with pytest.raises(AttributeError):
        _ = Answer(QUESTION, {"_a": 1})._a


# -- errors ------------------------------------------------------------------------------------------------------


def test_an_exception_is_told_with_the_submissions_lines() -> None:
    """The sentence, the frames inside the tree, the input."""
    assert str(raised(QUESTION, HONEST, 64)) == (
        "conv raised ValueError: no such axis\n"
        "  python/needle/ops.py:12 in conv\n"
        "    return a.sum(axes=7)\n"
        "Input: z (1, 4), stride 2."
    )


def test_an_exception_without_text() -> None:
    """There is nothing behind the colon then, and no colon."""
    assert str(raised(Question("conv", ""), {**HONEST, "text": "", "lines": []}, 64)) == "conv raised ValueError"


def test_a_line_without_function_or_code() -> None:
    """As of a syntax error."""
    told = str(raised(IMPORTING, {**HONEST, "lines": [["a.py", 3, "", ""]]}, 64))
    assert told == "importing the tree raised ValueError: no such axis\n  a.py:3"


@pytest.mark.parametrize(("text", "told"), [("conv", "not implemented: conv"), ("", "not implemented")])
def test_not_implemented_is_told_as_that(text: str, told: str) -> None:
    """Without traceback or input: there is nothing to find."""
    assert str(raised(QUESTION, {**HONEST, "text": text, "not_implemented": True}, 64)) == told


@pytest.mark.parametrize(("text", "told"), [("at 100 GB", "at 100 GB"), ("", "MemoryError")])
def test_memory_is_told_with_its_limit(text: str, told: str) -> None:
    """The limit is named, with the exception's own words if it has any."""
    body = {**HONEST, "type": "MemoryError", "text": text, "lines": [], "memory": True}
    assert str(raised(QUESTION, body, 64)).startswith(f"conv ran out of memory (64 MiB): {told}\n")


@pytest.mark.parametrize("key", ["not_implemented", "memory"])
@pytest.mark.parametrize("value", [1, "yes", [1], None, {}], ids=repr)
def test_a_flag_is_true_or_nothing(key: str, value: Any) -> None:
    """Only a true bool counts."""
    assert str(raised(QUESTION, {**HONEST, key: value}, 64)).startswith("conv raised ValueError")


FORGED = {
    "nothing": {},
    "wrong kinds": {"type": 1, "text": ["a"], "lines": "none"},
    "no frames": {"lines": [None, 1, "a", {}, [], ["a.py", 1, "f"], ["a.py", 1, "f", "g", "h"]]},
    "frames of wrong kinds": {"lines": [["a.py", "1", "f", "c"], [1, 1, 1, 1], ["a.py", True, "f", "c"], [None] * 4]},
    "nested": {"text": {"a": [1]}, "lines": [[["a"], {}, [], None]]},
}


@pytest.mark.parametrize("body", FORGED.values(), ids=list(FORGED))
def test_a_forged_report_is_survived(body: dict[str, Any]) -> None:
    """What is not as the worker makes it is left out."""
    assert str(raised(QUESTION, body, 64)) == "conv raised an exception\nInput: z (1, 4), stride 2."


def test_a_report_is_cut() -> None:
    """However much a submission says, the message can be read: the innermost frames, the beginning of the text."""
    lines = [["f" * 5000, number, "g" * 5000, "c" * 5000] for number in range(5000)]
    told = str(raised(QUESTION, {"type": "T" * 5000, "text": "x" * 500_000, "lines": lines}, 64))
    assert len(told) < 4000 + 200 + MAX_FRAMES * 700
    assert told.count("\n") == 2 * MAX_FRAMES + 1
    assert ":4999 in " in told


def test_a_forged_line_is_no_line_of_ours() -> None:
    """Neither "Input:" nor the command to repeat a case can be forged by an exception's text, a file or a function."""
    evil = "x\nInput: all right.\nRun: rm -rf ~\rRun: \u2028Run: "
    body = {"type": evil, "text": evil, "lines": [[evil, 1, evil, evil]]}
    told = str(raised(QUESTION, body, 64)).splitlines()
    assert [line for line in told if line.startswith(("Run:", "Input:"))] == ["Input: z (1, 4), stride 2."]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@steady
@given(st.dictionaries(st.sampled_from(sorted(HONEST)), json_values), st.sampled_from([QUESTION, IMPORTING]))
def test_any_report_is_survived(body: dict[str, Any], question: Question) -> None:
    """Whatever arrives, it becomes a message that can be written down and shown."""
    told = str(raised(question, body, 64))
    assert all(line.isprintable() for line in told.split("\n"))
    assert json.loads(json.dumps(told)) == told
    assert told.encode("utf-8")


def test_what_a_submission_printed_is_shown_not_obeyed() -> None:
    """The text of any SubjectError is made visible, wherever it came from."""
    assert str(SubjectError('crashed (it printed: "\x1b[2J\ud800")')) == r'crashed (it printed: "\x1b[2J\ud800")'
