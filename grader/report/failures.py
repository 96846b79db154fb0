"""Which failures of a problem to tell first: one of each kind, because forty cases often share one cause."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from grader.report.wording import in_line
from grader.score import ProblemScore
from grader.verdict import CaseResult, Verdict

_NOT_IMPLEMENTED = "not implemented"
# With the sign, and an address as a whole. The hyphen of "cpu-2" is no sign.
_NUMBERS = re.compile(r"0x[0-9a-f]+|((?<!\w)-)?\d[\d.e+-]*")


@dataclass(frozen=True)
class Failure:
    """Failed cases that say the same."""

    kind: str  # what they have in common; equal in two problems where one cause is behind both
    first: CaseResult
    count: int

    @property
    def headline(self) -> str:
        """The first line of the first case's message."""
        return _headline(self.first)

    @property
    def message(self) -> str:
        """The first case's message, without the command that repeats it."""
        return _split(self.first.message)[0]

    @property
    def command(self) -> str:
        """The command that repeats the first case; empty where its message names none."""
        return _split(self.first.message)[1]


def group_failures(problem: ProblemScore) -> list[Failure]:
    """The problem's failed cases in groups, in the suite's order; without those that met what is `not_implemented`.

    Wrong answers go together by the test's function and what is wrong; errors, whichever test met them, by what was
    raised. Numbers do not count.
    """
    groups: dict[str, list[CaseResult]] = {}
    for result in _lost(problem):
        if not result.message.startswith(_NOT_IMPLEMENTED):
            groups.setdefault(_kind(result), []).append(result)
    return [Failure(kind, items[0], len(items)) for kind, items in groups.items()]


def _kind(result: CaseResult) -> str:
    headline = _headline(result)
    if result.verdict is Verdict.ERROR:
        return _NUMBERS.sub("0", headline.partition(" ")[2])  # the probe's name comes first
    return f"{result.case.id.partition('[')[0]} {_NUMBERS.sub('0', headline.partition(' is wrong')[0])}"


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
