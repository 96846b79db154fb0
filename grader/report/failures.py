"""Which failures of a problem to tell first: one of each kind, because forty cases often share one cause."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from grader.report.audience import is_nameless
from grader.report.wording import in_line
from grader.score import ProblemScore
from grader.verdict import LOST, CaseResult, Verdict

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
        return headline(self.first)

    @property
    def message(self) -> str:
        """The first case's message, without the command that repeats it."""
        return split_command(self.first.message)[0]

    @property
    def command(self) -> str:
        """The command that repeats the first case; empty where its message names none."""
        return split_command(self.first.message)[1]


def group_failures(problem: ProblemScore) -> list[Failure]:
    """The problem's failed cases in groups; see `failures_in`."""
    return failures_in(problem.results)


def failures_in(results: Iterable[CaseResult]) -> list[Failure]:
    """The failed of these cases in groups, in their order; without those that met what is not implemented.

    Wrong answers go together by the test's function and what is wrong; errors, whichever test met them, by what was
    raised. Numbers do not count.
    """
    groups: dict[str, list[CaseResult]] = {}
    for result in lost_of(results):
        if not result.message.startswith(_NOT_IMPLEMENTED):
            groups.setdefault(_kind(result), []).append(result)
    return [Failure(kind, items[0], len(items)) for kind, items in groups.items()]


def _kind(result: CaseResult) -> str:
    said = headline(result)
    if is_nameless(result.case.id, hidden=result.case.hidden):
        return said  # the name has a number in it, and tells nothing
    if result.verdict is Verdict.ERROR:
        return _NUMBERS.sub("0", said.partition(" ")[2])  # the probe's name comes first
    return f"{result.case.id.partition('[')[0]} {_NUMBERS.sub('0', said.partition(' is wrong')[0])}"


def not_implemented(problem: ProblemScore) -> dict[str, int]:
    """What of the problem the submission says is not implemented; see `missing_in`."""
    return missing_in(problem.results)


def missing_in(results: Iterable[CaseResult]) -> dict[str, int]:
    """What the submission says is not implemented, and how many of these cases met it, most first."""
    found: Counter[str] = Counter()
    for result in lost_of(results):
        if result.message.startswith(_NOT_IMPLEMENTED):
            what = headline(result).removeprefix(_NOT_IMPLEMENTED).removeprefix(": ")
            # The stubs' own words; a list of names is what is wanted.
            found[in_line(what.partition(" is yours to write")[0])[:80] or "something"] += 1
    return dict(found.most_common())


def lost_of(results: Iterable[CaseResult]) -> list[CaseResult]:
    """Those of the cases that cost points, in their order."""
    return [result for result in results if result.verdict in LOST]


def headline(result: CaseResult) -> str:
    """What was wrong, in a line: the first of the message."""
    return result.message.partition("\n")[0]


def split_command(message: str) -> tuple[str, str]:
    """(what was wrong, the command that repeats the case): the judge writes the latter last, whatever stands before."""
    words, mark, command = message.rpartition("\nRun: ")
    return (words, command) if mark else (message, "")
