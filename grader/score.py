"""From verdicts to a grade. Pure: no clock, no files, no processes.

A problem earns points x (weight of its passed cases / weight of all its cases on the devices graded). A case that is
"not run", because its device is not on the machine, is in neither sum. A problem all of whose cases are "not run" is
neither won nor lost: its points are in neither the score nor the maximum, and the reports say so.

Sums and quotients are of fractions, of the numbers as they are written: 0.1 + 0.2 points are 0.3, ten points are never
9.999999, and passing one more case never lowers a score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grader.assignment import Assignment, Problem
from grader.errors import GraderError
from grader.intake.account import NO_ACCOUNT, Account
from grader.points import exact, total
from grader.reading.flag import Flag, tidy
from grader.verdict import Case, CaseResult, Verdict


@dataclass(frozen=True)
class ProblemScore:
    """What a problem earned."""

    problem: Problem
    score: float
    max_score: float  # the problem's points; 0 where none of its cases could be run on this machine
    results: tuple[CaseResult, ...]  # in the suite's order

    def count(self, verdict: Verdict) -> int:
        """How many of its cases have this verdict."""
        return sum(result.verdict is verdict for result in self.results)


@dataclass(frozen=True)
class BucketScore:
    """The sum over a bucket's problems."""

    name: str
    score: float
    max_score: float


@dataclass(frozen=True)
class Grade:
    """The grade of one tree, and everything that explains it."""

    assignment: str
    tree: str  # the tree's name in reports
    tree_hash: str  # identifies what was graded: the hash of the files taken
    suite_hash: str  # identifies what it was judged by: the hash of the suite's files
    seed: int
    devices: tuple[str, ...]
    selection: str  # the -k expression; empty for a whole grade
    fault: str | None  # why nothing of the tree could be graded
    score: float
    max_score: float  # of the selected problems
    buckets: tuple[BucketScore, ...]
    problems: tuple[ProblemScore, ...]
    environment: dict[str, str]
    account: Account = NO_ACCOUNT  # what became of the submission's files
    flags: tuple[Flag, ...] = ()  # suspicions for the instructor; no point depends on them
    audience: str = "staff"  # who may see all that is in here: "student", "staff" or "released"; see report/audience.py


def verdicts_for(cases: Sequence[Case], seen: Sequence[CaseResult]) -> list[CaseResult]:
    """A result for every case of the suite, in its order. A case without a verdict is a failed case.

    Raises GraderError where a result belongs to no case, or a case has two: the judging is then not to be trusted.
    """
    found: dict[str, CaseResult] = {}
    known = {case.id: case for case in cases}
    if len(known) != len(cases):
        raise GraderError("the suite has two cases of the same id")
    for result in seen:
        if result.case != known.get(result.case.id):
            raise GraderError(f"a verdict for {result.case.id}, which is not a case of the suite")
        if result.case.id in found:
            raise GraderError(f"two verdicts for {result.case.id}")
        found[result.case.id] = result
    missing = "no verdict: the run ended before this case"
    return [found.get(case.id) or CaseResult(case, Verdict.ERROR, 0.0, missing) for case in cases]


def score_problem(problem: Problem, results: Sequence[CaseResult]) -> ProblemScore:
    """The problem's points, from its cases' results. Raises GraderError for a weight that is no positive number."""
    for result in results:
        if not 0 < result.case.weight < math.inf:
            raise GraderError(f"{result.case.id} has the weight {result.case.weight:g}; expected a positive number")
    counted = [result for result in results if result.verdict is not Verdict.NOT_RUN]
    if not counted:
        return ProblemScore(problem, 0.0, 0.0, tuple(results))
    weight = sum(exact(result.case.weight) for result in counted)
    passed = sum(exact(result.case.weight) for result in counted if result.verdict is Verdict.PASS)
    return ProblemScore(problem, float(exact(problem.points) * passed / weight), problem.points, tuple(results))


def score(
    assignment: Assignment,
    results: Sequence[CaseResult],
    *,
    tree: str,
    tree_hash: str,
    suite_hash: str,
    seed: int,
    devices: Sequence[str],
    selection: str,
    fault: str | None,
    environment: dict[str, str],
    account: Account = NO_ACCOUNT,
    flags: Sequence[Flag] = (),
) -> Grade:
    """The grade over the problems that have a case in `results`; without a selection, that must be all of them.

    flags: told with the grade, and of no effect on it.
    Raises GraderError where a problem has no case, or a case no problem: points would vanish from the grade.
    """
    by_problem: dict[str, list[CaseResult]] = {problem.name: [] for problem in assignment.problems}
    for result in results:
        if result.case.problem not in by_problem:
            raise GraderError(f"{result.case.id} is a case of {result.case.problem!r}, which is not a problem")
        by_problem[result.case.problem].append(result)
    empty = [name for name, own in by_problem.items() if not own]
    if empty and not selection:
        raise GraderError(f"the suite has no case of {', '.join(empty)}, so those points could not be won")
    problems = [score_problem(item, by_problem[item.name]) for item in assignment.problems if by_problem[item.name]]
    buckets = []
    for bucket in assignment.buckets:
        inside = [item for item in problems if item.problem.bucket == bucket]
        if inside:
            earned, points = total(item.score for item in inside), total(item.max_score for item in inside)
            buckets.append(BucketScore(bucket, earned, points))
    return Grade(
        assignment=assignment.name,
        tree=tree,
        tree_hash=tree_hash,
        suite_hash=suite_hash,
        seed=seed,
        devices=tuple(devices),
        selection=selection,
        fault=fault,
        score=total(item.score for item in problems),
        max_score=total(item.max_score for item in problems),
        buckets=tuple(buckets),
        problems=tuple(problems),
        environment=environment,
        account=account,
        flags=tidy(flags),
    )
