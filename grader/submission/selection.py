"""What -k selects, known before anything is compiled."""

from __future__ import annotations

from typing import Any

from _pytest.mark.expression import Expression

from grader.assignment import Assignment, Problem
from grader.errors import UsageError
from grader.submission.cases import FILE, PREFIX


def selected(assignment: Assignment, expression: str) -> tuple[Problem, ...]:
    """The problems with submission cases that the expression selects, as pytest would; all of them where it is empty.

    Raises UsageError where that is none, or the expression cannot be read.
    """
    offered = [problem for problem in assignment.problems if problem.submission_cases]
    expression = expression.strip()
    if not expression:
        return tuple(offered)
    try:
        compiled = Expression.compile(expression)
    except SyntaxError as error:  # pytest's own ParseError was none in its older versions
        raise UsageError(f"-k has value {expression!r}, which cannot be read: {error}.") from None
    found = tuple(problem for problem in offered if compiled.evaluate(_Names(problem)))
    if not found:
        known = ", ".join(problem.name for problem in offered)
        raise UsageError(
            f"-k has value {expression!r}, which selects no problem of {assignment.name}; expected: {known}."
        )
    return found


class _Names:
    """What pytest looks for a word in: any part of the names of the function, its file, and its keywords."""

    def __init__(self, problem: Problem) -> None:
        names = (problem.name, problem.bucket, *problem.aliases, PREFIX + problem.name, FILE)
        self._names = [name.lower() for name in names]

    def __call__(self, word: str, /, **_: Any) -> bool:
        return any(word.lower() in name for name in self._names)
