"""A planted bug is caught: every problem that it names loses points on every seed, and no other one unexplained."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from grader.errors import GraderError
from grader.verdict import Case, Verdict
from proof.bench import Bench, fault_of
from proof.catalogue import Bug
from proof.judge import Examination, Result
from proof.plan import batches, worth_running
from proof.touched import Change
from proof.trees import files_of

# The reference's slowest case takes 1 s of CPU time, and a bug that hangs shall not take ten in each of its cases.
LIMITS = {"case_cpu_seconds": 3}
# What a bug must not be caught by: it does not run at all, and any case would see that.
NO_PROGRAM = re.compile(r"\b(NameError|ImportError|ModuleNotFoundError|SyntaxError|IndentationError)\b")


@dataclass(frozen=True)
class Caught:
    """What became of a problem that must lose points."""

    problem: str
    cases: tuple[str, ...]  # by which it is caught, a case a seed; "" where none does
    seeds: tuple[int, ...]
    touched: int  # cases that run what the bug changes
    tried: int  # of these, how many were run on the first seed
    lost: int  # of these, how many failed: one, unless all were to be run
    # The largest error of the cases that fail by numbers, as a share of what is allowed; of the seeds the smallest.
    # None: no case does.
    error: float | None
    raises: bool = False  # whether the case of the first seed ends in an exception or worse, and not in a wrong answer

    @property
    def missed(self) -> tuple[int, ...]:
        """The seeds on which no case fails."""
        return tuple(seed for seed, case in zip(self.seeds, self.cases, strict=True) if not case)


@dataclass(frozen=True)
class Lost:
    """Points lost in a problem that the bug does not name."""

    problem: str
    case: str  # the first that fails
    message: str
    through: str  # which changed functions that case runs
    why: str | None  # the dependency that the catalogue names; None: there is none, and the proof fails


@dataclass(frozen=True)
class BugOutcome:
    """What became of a bug."""

    bug: Bug
    invalid: str = ""  # why it proves nothing: it does not compile, or fails at import
    fault: str = ""  # what went wrong with the grader itself
    caught: tuple[Caught, ...] = ()  # in the order of the bug's problems
    lost: tuple[Lost, ...] = ()  # elsewhere
    elsewhere: int = 1  # seeds on which the other problems were run
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # of the judge and the workers; without what was compiled
    runs: int = 0  # cases that were run, over all seeds

    @property
    def unexpected(self) -> tuple[Lost, ...]:
        """Points lost where nothing explains it."""
        return tuple(item for item in self.lost if item.why is None)

    @property
    def missed(self) -> tuple[Caught, ...]:
        """Problems that keep their points on some seed."""
        return tuple(item for item in self.caught if item.missed)

    @property
    def good(self) -> bool:
        """Whether it is caught as its entry says, and costs nothing else."""
        return not (self.invalid or self.fault or self.missed or self.unexpected)


def in_order(outcomes: Iterable[BugOutcome]) -> list[BugOutcome]:
    """By area and name: the order in which they were done says nothing."""
    return sorted(outcomes, key=lambda item: (item.bug.area, item.bug.name))


def examine_bug(
    bug: Bug,
    bench: Bench,
    seeds: Sequence[int],
    *,
    elsewhere: int = 1,
    every_case: bool = False,
    whole_suite: bool = False,
) -> BugOutcome:
    """Build the bug, and run what it touches.

    elsewhere: on how many of the seeds the problems are run that it does not name.
    every_case: on the first seed all cases of the problems that it names, and not only up to the first that fails.
    whole_suite: not only the cases that run what it changes, which checks that these are known rightly.
    """
    start = time.monotonic()
    files = files_of(bug, bench.reference)
    change = bench.change(files)
    if whole_suite:
        change = replace(change, everything=change.everything or "nothing that the trace has seen")
    try:
        with bench.built(bug.name, files, [bug.device]) as tree:
            if fault := fault_of(tree, [bug.device]):
                return BugOutcome(bug, f"it does not compile: {fault}", seconds=time.monotonic() - start)
            with bench.judge.examine(tree, limits=LIMITS) as judge:
                work = _Work(bug, bench, change, judge, tuple(seeds), elsewhere, every_case)
                work.all(bench.touched(change, bug.device))
    except GraderError as error:  # of one bug: what the others show is not to be lost
        return BugOutcome(bug, fault=str(error), seconds=time.monotonic() - start)
    return BugOutcome(
        bug,
        work.invalid,
        caught=() if work.invalid else tuple(work.caught.get(name) or _untouched(name, seeds) for name in bug.problems),
        lost=tuple(work.lost),
        elsewhere=min(elsewhere, len(seeds)),
        seconds=time.monotonic() - start,
        cpu_seconds=judge.cpu_seconds,
        runs=work.runs,
    )


@dataclass
class _Work:
    """An examination under way."""

    bug: Bug
    bench: Bench
    change: Change
    judge: Examination
    seeds: tuple[int, ...]
    elsewhere: int
    every_case: bool
    caught: dict[str, Caught] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    runs: int = 0
    invalid: str = ""

    def all(self, groups: Mapping[str, Sequence[Case]]) -> None:
        """Problem by problem, each on all its seeds before the next: then it needs one worker."""
        for problem, cases in groups.items():
            self._problem(problem, cases)
            if self.invalid:
                break

    def _problem(self, problem: str, cases: Sequence[Case]) -> None:
        named = problem in self.bug.problems
        why = self.bug.why_depends(problem)
        cases = worth_running(cases, must_lose=named, may_lose=why is not None)
        first_only = not (named and self.every_case)
        results = self._run([case.id for case in cases], self.seeds[0], until_lost=first_only)
        lost = [result for result in results if result.lost]
        if lost and (why_not := no_program(lost[0])):
            self.invalid = why_not
        elif named:
            self.caught[problem] = self._all_seeds(problem, cases, results)
        else:
            self._elsewhere(problem, cases, lost, why)

    def _elsewhere(self, problem: str, cases: Sequence[Case], lost: Sequence[Result], why: str | None) -> None:
        for seed in self.seeds[1 : self.elsewhere]:
            if lost:
                break
            results = self._run([case.id for case in cases], seed, until_lost=True)
            lost = [result for result in results if result.lost]
        if lost:
            ran = self.bench.seen.cases.get(lost[0].case)
            through = self.change.through(ran) if ran else self.change.everything
            self.lost.append(Lost(problem, lost[0].case, lost[0].message, through, why))

    def _all_seeds(self, problem: str, cases: Sequence[Case], results: Sequence[Result]) -> Caught:
        lost = {result.case for result in results if result.lost}
        seconds = {name: seen.seconds for name, seen in self.bench.seen.cases.items() if name in lost}
        by = [min(lost, key=lambda name: (seconds.get(name, 0.0), name), default="")]
        errors = [_error(results)]
        for seed in self.seeds[1:]:
            found = self._first_lost(batches(cases, lost, seconds), seed)
            by.append(found.case if found else "")
            errors.append(_error([found] if found else []))
        raises = any(result.case == by[0] and result.verdict is Verdict.ERROR for result in results)
        error = min((error for error in errors if error is not None), default=None)
        return Caught(problem, tuple(by), self.seeds, len(cases), len(results), len(lost), error, raises)

    def _first_lost(self, groups: Sequence[Sequence[str]], seed: int) -> Result | None:
        for names in groups:
            for result in self._run(names, seed, until_lost=True):
                if result.lost:
                    return result
        return None

    def _run(self, names: Sequence[str], seed: int, *, until_lost: bool) -> list[Result]:
        results = self.judge.run(names, seed, until_lost=until_lost)
        self.runs += len(results)
        return results


def no_program(result: Result) -> str:
    """Why what costs this case its points is no bug to catch; "" where it is one."""
    first = result.message.partition("\n")[0]
    if first.startswith("importing the tree "):
        return f"it fails at import, where every case sees it: {first}"
    if result.verdict is Verdict.ERROR and NO_PROGRAM.search(first):
        return f"it is no program: {first}"
    return ""


def _error(results: Sequence[Result]) -> float | None:
    """The largest error of those that fail by numbers; None where none does."""
    failed = [result for result in results if result.verdict is Verdict.FAIL]
    return max((margin.error for result in failed for margin in result.margins if margin.error > 1), default=None)


def _untouched(problem: str, seeds: Sequence[int]) -> Caught:
    return Caught(problem, ("",) * len(seeds), tuple(seeds), 0, 0, 0, None)
