"""What -k selects, known before anything is compiled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
        found = _matching(offered, expression)
    except SyntaxError as error:  # pytest's own ParseError was none in its older versions
        raise UsageError(_unreadable(expression, error, offered)) from None
    if not found:
        known = ", ".join(problem.name for problem in offered)
        raise UsageError(
            f"-k has value {expression!r}, which selects no problem of {assignment.name}; expected: {known}."
        )
    return found


def without(assignment: Assignment, expression: str, left_out: Collection[str]) -> str:
    """An expression for what the expression selects but those problems; itself, where no simple one does just that."""
    rest = " and ".join(f"not {PREFIX}{name}" for name in left_out)
    narrowed = f"({expression}) and {rest}" if expression.strip() and rest else rest or expression
    wanted = [problem for problem in selected(assignment, expression) if problem.name not in left_out]
    # A word selects whatever it is a part of: leaving out "rnn" would leave out "rnn_cell" as well.
    offered = [problem for problem in assignment.problems if problem.submission_cases]
    return narrowed if narrowed and list(_matching(offered, narrowed)) == wanted else expression


def _matching(offered: Sequence[Problem], expression: str) -> tuple[Problem, ...]:
    compiled = Expression.compile(expression)
    return tuple(problem for problem in offered if compiled.evaluate(_Names(problem)))


def _unreadable(expression: str, error: SyntaxError, offered: Sequence[Problem]) -> str:
    """What is wrong with it: pytest's words are of its parser's tokens."""
    at = max(0, (getattr(error, "column", None) or error.offset or 1) - 1)
    where = f"cannot be read from {expression[at:]!r} on" if at < len(expression) else "ends too early"
    example = " or ".join(problem.name for problem in offered[:2])
    return (
        f'-k has value {expression!r}, which {where}; expected names of problems, joined by "and", "or" and "not", '
        f'such as "{example}".'
    )


class _Names:
    """What pytest looks for a word in: any part of the names of the function, its file, and its keywords."""

    def __init__(self, problem: Problem) -> None:
        names = (problem.name, problem.bucket, *problem.aliases, PREFIX + problem.name, FILE)
        self._names = [name.lower() for name in names]

    def __call__(self, word: str, /, **_: Any) -> bool:
        return any(word.lower() in name for name in self._names)
