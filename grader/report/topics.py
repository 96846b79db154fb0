"""What a report says of many cases in few entries: the cases of one test are a topic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grader.errors import GraderError
from grader.report.audience import is_nameless
from grader.report.failures import failures_in, lost_of, missing_in
from grader.report.wording import count, in_line, shortened
from grader.score import ProblemScore
from grader.verdict import CaseResult, Verdict

_HIDDEN = "hidden cases"  # the name of what a reader is not told the test of


@dataclass(frozen=True)
class Topic:
    """The cases of one test."""

    name: str  # "test_conv.py::test_op_conv_forward"; "hidden cases" where the reader may not know which
    title: str  # a sentence
    hidden: bool
    results: tuple[CaseResult, ...]  # in the suite's order

    @property
    def counted(self) -> tuple[CaseResult, ...]:
        """Without those whose device is not here."""
        return tuple(result for result in self.results if result.verdict is not Verdict.NOT_RUN)

    @property
    def lost(self) -> tuple[CaseResult, ...]:
        """Those that did not pass."""
        return tuple(lost_of(self.results))

    @property
    def passed(self) -> bool | None:
        """Whether every case that could be run passed; None where none could."""
        return not self.lost if self.counted else None

    @property
    def seconds(self) -> float:
        """What its cases took."""
        return sum(result.seconds for result in self.results)


def topics_of(item: ProblemScore) -> list[Topic]:
    """The problem's topics, in the suite's order."""
    found: dict[str, list[CaseResult]] = {}
    for result in item.results:
        found.setdefault(_name(result), []).append(result)
    return [
        Topic(name, own[0].case.title if name != _HIDDEN else "Cases that are not shown.", own[0].case.hidden, (*own,))
        for name, own in found.items()
    ]


def _name(result: CaseResult) -> str:
    if is_nameless(result.case.id, hidden=result.case.hidden):
        return _HIDDEN
    return result.case.id.partition("[")[0]


def told(results: Sequence[CaseResult], kinds: int, lines: int) -> str:
    """What went wrong in these cases, in plain text: of each kind of failure the first, `kinds` of them.

    lines: of each message. Nothing where nothing went wrong; without messages where `kinds` or `lines` is 0.
    """
    lost = lost_of(results)
    if not lost:
        return ""
    parts = [f"{count(len(lost), 'case')} lost."]
    if not kinds or not lines:
        return parts[0]
    parts += [f"Not implemented: {in_line(name)} ({count(n, 'case')})." for name, n in missing_in(results).items()]
    failures = failures_in(results)
    for failure in failures[:kinds]:
        more = f" (and {failure.count - 1} more like it)" if failure.count > 1 else ""
        parts.append(f"{in_line(failure.first.case.id)}{more}\n{shortened(failure.first.message, lines)}")
    if len(failures) > kinds:
        parts.append(f"... and {count(len(failures) - kinds, 'more kind')} of failure.")
    return "\n\n".join(parts)


# Kinds of failures and lines of a message, in the order in which a report that is too large gives them up.
_ROOM = ((4, 40), (2, 20), (1, 8), (1, 2), (0, 0))


def fitted(build: Callable[[int, int], str], most: int) -> str:
    """The text with as much said as fits into `most` bytes of UTF-8.

    build(kinds, lines): the text where each entry tells as much; see `told`. Raises GraderError where even the shortest
    is too long: a system that cuts or refuses it would show a wrong grade, or none.
    """
    for kinds, lines in _ROOM:
        text = build(kinds, lines)
        if len(text.encode("utf-8")) <= most:
            return text
    raise GraderError(f"a report is {len(text.encode('utf-8'))} bytes long at its shortest; at most {most} are read")
