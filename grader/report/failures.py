"""Which failures of a problem to tell first: one of each kind, because forty cases often share one cause."""

from __future__ import annotations

from dataclasses import dataclass

from grader.score import ProblemScore
from grader.verdict import CaseResult, Verdict


@dataclass(frozen=True)
class Failure:
    """Failed cases that say the same."""

    headline: str  # the first line of the message
    first: CaseResult
    count: int


def group_failures(problem: ProblemScore) -> list[Failure]:
    """The problem's failed cases, grouped by test function and headline without its numbers, in the suite's order."""
    groups: dict[tuple[str, str], list[CaseResult]] = {}
    for result in problem.results:
        if result.verdict in (Verdict.FAIL, Verdict.ERROR):
            headline = result.message.partition("\n")[0]
            # What is not implemented is one finding, whichever test met it.
            test = "" if headline.startswith("not implemented") else result.case.id.partition("[")[0]
            kind = headline if not test else headline.partition(" is wrong")[0]
            groups.setdefault((test, kind), []).append(result)
    return [Failure(items[0].message.partition("\n")[0], items[0], len(items)) for items in groups.values()]
