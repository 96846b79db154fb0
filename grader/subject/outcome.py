"""What a question to a submission brings: an answer, or the way in which it failed to give one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.subject.question import Question
from grader.visible import quoted, visible

# What is shown of an exception. The worker keeps to the same; a submission that speaks for it need not.
MAX_FRAMES = 12
MAX_TEXT = 4000  # characters of the exception's text
MAX_LINE = 200  # characters of a file's name, a function's, a line of code

IMPORTING = Question("importing the tree", "")


class SubjectError(Exception):
    """The submission gave no answer. The verdict is `error`; the text is for the student."""

    def __init__(
        self,
        text: str,
        question: Question | None = None,
        lines: Sequence[Sequence[Any]] = (),
        *,
        answered: bool = False,
    ) -> None:
        """text: one sentence. lines: [file, line number, function, code] of the submission's own traceback.

        answered: whether the submission's own code came to its end, and a probe found that the result is none.
        """
        super().__init__(visible(text))
        self.question = question
        self.lines = lines
        self.answered = answered

    @property
    def sentence(self) -> str:
        """What happened."""
        return str(self.args[0])

    def frames(self) -> list[str]:
        """The submission's own traceback, a line for a place and one for the code there."""
        parts = []
        for file, number, function, code in self.lines:
            parts.append(f"  {file}:{number} in {function}" if function else f"  {file}:{number}")
            if code:
                parts.append(f"    {code}")
        return parts

    def __str__(self) -> str:
        parts = [self.sentence, *self.frames()]
        if self.question is not None and self.question.inputs:
            parts.append(f"Input: {self.question.inputs}.")
        return "\n".join(parts)


class Field(np.ndarray):
    """An array of an answer that remembers where it came from, so that a comparison can name it."""

    label: str | None
    question: Question | None

    def __array_finalize__(self, source: Any) -> None:
        self.label = getattr(source, "label", None)
        self.question = getattr(source, "question", None)


class Answer:
    """The named values that a probe returned; arrays are `Field`s. Checked for kind, dtype and size by the protocol."""

    def __init__(self, question: Question, values: dict[str, Any]) -> None:
        self._question = question
        self._values = {name: self._labelled(name, value) for name, value in values.items()}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            raise SubjectError(f"{self._question.probe} gave no value {name!r}", self._question)
        return self._values[name]

    def _labelled(self, name: str, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            field = value.view(Field)
            field.label, field.question = name, self._question
            return field
        if isinstance(value, list):
            return [self._labelled(f"{name}[{i}]", item) for i, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._labelled(f"{name}[{key!r}]", item) for key, item in value.items()}
        return value


def values_of(answer: Answer) -> dict[str, Any]:
    """All values of an answer by name. A function, because as an attribute it would hide a value of its name."""
    return answer._values


def question_of(answer: Answer) -> Question:
    """What was asked; a function for the same reason."""
    return answer._question


def plain(value: npt.ArrayLike) -> npt.NDArray[Any]:
    """The array without its label."""
    return np.asarray(value).view(np.ndarray)


def raised(question: Question, body: Mapping[str, Any], memory_mib: int) -> SubjectError:
    """The error for an exception that a worker reported; `body` is Runner.describe's, and may be forged."""
    kind, text = _text(body.get("type"), MAX_LINE) or "an exception", _text(body.get("text"), MAX_TEXT)
    lines = _traceback(body.get("lines"))
    if body.get("not_implemented") is True:
        return SubjectError(f"not implemented: {text}" if text else "not implemented", None)
    if body.get("memory") is True:
        return SubjectError(f"{question.probe} ran out of memory ({memory_mib} MiB): {text or kind}", question, lines)
    sentence = f"{question.probe} raised {kind}: {text}" if text else f"{question.probe} raised {kind}"
    return SubjectError(sentence, question, lines, answered=not lines)


def _traceback(value: Any) -> list[list[Any]]:
    """The lines that are [str, int, str, str], as Runner.describe makes them, cut to what a reader can take."""
    lines = value if isinstance(value, list) else []
    kinds = [str, int, str, str]
    right = [line for line in lines if isinstance(line, list) and [type(item) for item in line] == kinds]
    return [
        [_text(file, MAX_LINE), number, _text(function, MAX_LINE), _text(code, MAX_LINE)]
        for file, number, function, code in right[-MAX_FRAMES:]
    ]


def _text(value: Any, length: int) -> str:
    return quoted(value[:length]) if isinstance(value, str) else ""
