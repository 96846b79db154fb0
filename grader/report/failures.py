"""Which failures of a problem to tell first: one of each kind, because forty cases often share one cause."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from grader.report.wording import in_line
from grader.score import ProblemScore
from grader.verdict import CaseResult, Verdict

_NOT_IMPLEMENTED = "not implemented"
_NUMBERS = re.compile(r"\d[\d.e+-]*")


@dataclass(frozen=True)
class Failure:
    """Failed cases that say the same."""

    first: CaseResult
    count: int

    @property
    def message(self) -> str:
        """The first case's message, without the command that repeats it."""
        return _split(self.first.message)[0]

    @property
    def command(self) -> str:
        """The command that repeats the first case; empty where its message names none."""
        return _split(self.first.message)[1]


def group_failures(problem: ProblemScore) -> list[Failure]:
    """The problem's failed cases, grouped by test function and headline without its numbers, in the suite's order.

    Those that met what is not implemented are left out: see `not_implemented`.
    """
    groups: dict[tuple[str, str], list[CaseResult]] = {}
    for result in _lost(problem):
        if not result.message.startswith(_NOT_IMPLEMENTED):
            kind = _NUMBERS.sub("0", _headline(result).partition(" is wrong")[0])
            groups.setdefault((result.case.id.partition("[")[0], kind), []).append(result)
    return [Failure(items[0], len(items)) for items in groups.values()]


def not_implemented(problem: ProblemScore) -> dict[str, int]:
    """What the submission says is not implemented, and how many cases met it, most first."""
    found: Counter[str] = Counter()
    for result in _lost(problem):
        if result.message.startswith(_NOT_IMPLEMENTED):
            what = _headline(result).removeprefix(_NOT_IMPLEMENTED).removeprefix(": ")
            # The stubs' own words; a list of names is what is wanted.
            found[in_line(what.partition(" is yours to write")[0])[:80] or "something"] += 1
    return dict(found.most_common())


def _lost(problem: ProblemScore) -> list[CaseResult]:
    return [result for result in problem.results if result.verdict in (Verdict.FAIL, Verdict.ERROR)]


def _headline(result: CaseResult) -> str:
    return result.message.partition("\n")[0]


def _split(message: str) -> tuple[str, str]:
    """(what was wrong, the command that repeats the case): the judge writes the latter last, whatever stands before."""
    words, mark, command = message.rpartition("\nRun: ")
    return (words, command) if mark else (message, "")
