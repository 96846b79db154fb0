"""Submission cases under pytest: what the fixture `submit` does with a case's answer.

`test_submission.py` of a suite has a function `submit_<problem>(submit, rng)` a problem; pytest does not collect it as
a test. Two drivers run it. Ours (grader.submission.answers) is told of every case, and one without an answer costs only
itself. The course's own client, the module `mugrade`, takes one value after the other and counts them by itself, so the
first case without an answer has to end the function: what came after would be posted in its place.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.assignment import Problem
from grader.errors import GraderError
from grader.inputs import FixedInputs
from grader.subject import protocol
from grader.subject.client import Subject
from grader.subject.outcome import Answer, SubjectError, plain, values_of
from grader.subject.question import Probe

FILE = "test_submission.py"
PREFIX = "submit_"

Tell = Callable[[dict[str, Any]], None]  # takes an event


def submitted_problem(item: pytest.Item) -> str | None:
    """The name of the problem whose submission the item is; None where it is something else."""
    function = getattr(item, "originalname", None) or item.name
    if item.path.name != FILE or not function.startswith(PREFIX):
        return None
    return function.removeprefix(PREFIX) if (item.path.parent / "assignment.toml").is_file() else None


class Submit:
    """`submit("title", probe, *args, **kwargs)`: the problem's next case; its value is the whole answer."""

    def __init__(self, problem: Problem, device: str, subject: Callable[[], Subject], rng: FixedInputs) -> None:
        """subject: gives the tree's subject, or raises SubjectError. rng: begins anew at every case."""
        self._problem = problem
        self._device = device
        self._subject = subject
        self._rng = rng
        self._count = 0

    def __call__(self, title: str, probe: Probe, *args: Any, **kwargs: Any) -> None:
        """Ask the tree, and hand its answer over. Raises GraderError where this is not the case that is listed."""
        index, listed = self._count, self._problem.submission_cases
        if index >= len(listed) or listed[index] != title:
            expected = repr(listed[index]) if index < len(listed) else "no further case"
            raise GraderError(
                f"submission case {index} of {self._problem.name} is {title!r}; assignment.toml has {expected}."
            )
        self._answered(index, title, lambda: posted(self._subject().ask(probe, self._device, args, kwargs)))
        self._count += 1
        self._rng.begin(self._count)

    def _answered(self, index: int, title: str, answer: Callable[[], Any]) -> None:
        raise NotImplementedError


class SubmitByEvents(Submit):
    """For our own driver: each case is an event, with its value or with the reason why it has none."""

    def __init__(
        self, problem: Problem, device: str, subject: Callable[[], Subject], rng: FixedInputs, tell: Tell
    ) -> None:
        """tell: takes an event. For the others see Submit."""
        super().__init__(problem, device, subject, rng)
        self._tell = tell

    def _answered(self, index: int, title: str, answer: Callable[[], Any]) -> None:
        event = {"event": "answered", "problem": self._problem.name, "index": index, "title": title}
        try:
            event |= {"value": framed(answer()), "error": ""}
        except SubjectError as error:
            event |= {"value": None, "error": without_answer(error)}
        self._tell(event)


class SubmitByClient(Submit):
    """For the course's client: each value goes to mugrade.submit; a case without one raises SubjectError."""

    def _answered(self, index: int, title: str, answer: Callable[[], Any]) -> None:
        importlib.import_module("mugrade").submit(answer())


def without_answer(error: SubjectError) -> str:
    """Why a case has no answer, for a student who sees the case's title above it."""
    if error.question is None or not error.question.unnamed:
        return str(error)
    sentence = str(error.args[0]).removeprefix(f"{error.question.probe} ").removeprefix("was ")  # stopped
    return str(SubjectError(sentence, None, error.lines))


def client_is_here() -> bool:
    """Whether there is a client of the course's that values could be handed to."""
    return "mugrade" in sys.modules or importlib.util.find_spec("mugrade") is not None


def posted(answer: Answer) -> Any:
    """An answer as it is posted: its named values, or the value itself where there is one only."""
    values = {name: _bare(value) for name, value in values_of(answer).items()}
    return next(iter(values.values())) if len(values) == 1 else values


def _bare(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        # The sum of everything has shape () in one tree and (1,) in another; the suite takes both for the number.
        return value.item() if value.size == 1 else plain(value)
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items()}
    return value


def framed(value: Any) -> str:
    """A value as text for a line of JSON, every bit of it. Raises SubjectError where it is too large."""
    try:
        return base64.b64encode(protocol.encode("value", {"value": value})).decode("ascii")
    except ValueError as error:
        raise SubjectError(f"the answer is too large: {error}") from None


def unframed(text: str) -> Any:
    """The value that `framed` wrote."""
    return protocol.decode(io.BytesIO(base64.b64decode(text)).read)[1]["value"]
