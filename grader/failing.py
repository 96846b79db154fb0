"""Which cases are known to fail, and what a run of some of them has changed. Pure: no files, no processes, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grader.verdict import LOST, CaseResult, Verdict


@dataclass(frozen=True)
class Round:
    """What one run of some cases brought."""

    results: tuple[CaseResult, ...]  # of the cases that were run
    fault: str = ""  # why none could be judged: a compiler's error, or what importing the tree raised
    everything: bool = False  # whether all cases were run, and not only those that failed before


@dataclass(frozen=True)
class News:
    """What a round has changed."""

    mended: tuple[CaseResult, ...]  # failed before, and pass now
    lost: tuple[CaseResult, ...]  # fail now
    passed: int = 0  # cases that pass now
    fault: str = ""  # see Round
    everything: bool = False  # whether all cases were run, by name or without


class Failing:
    """The cases that are known to fail."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self.ids = tuple(ids)
        self._all: frozenset[str] = frozenset()  # those of the last run of everything; none where there was none

    def note(self, found: Round) -> News:
        """Take note of a round; a fault tells nothing of any case."""
        if found.fault:
            return News((), (), 0, found.fault, found.everything)
        before = set(self.ids)
        lost = tuple(result for result in found.results if result.verdict in LOST)
        passed = [result for result in found.results if result.verdict is Verdict.PASS]
        mended = tuple(result for result in passed if result.case.id in before)
        self.ids = tuple(result.case.id for result in lost)
        ran = frozenset(result.case.id for result in found.results if result.verdict is not Verdict.NOT_RUN)
        if found.everything:
            self._all = ran
        return News(mended, lost, len(passed), "", found.everything or (bool(ran) and ran == self._all))

    def settle(self, run: Callable[[tuple[str, ...]], Round], tell: Callable[[News], None]) -> None:
        """Run what fails, and then everything if nothing of it fails any more; tell the news of each run.

        run: the cases with these ids; all of them where there are none.
        """
        wanted = self.ids
        news = self.note(run(wanted))
        tell(news)
        if wanted and not news.lost and not news.fault and not news.everything:
            tell(self.note(run(())))
