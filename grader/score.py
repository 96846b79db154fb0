"""From verdicts to a grade. Pure: no clock, no files, no processes.

A problem earns points x (weight of its passed cases / weight of all its cases on the devices graded). A case that is
"not run", because its device is not on the machine, is in neither sum. A problem all of whose cases are "not run" is
neither won nor lost: its points are in neither the score nor the maximum, and the reports say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.assignment import Assignment, Problem
from grader.errors import GraderError
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
    tree_hash: str  # identifies what was graded: the hash of the staged files
    seed: int
    devices: tuple[str, ...]
    selection: str  # the -k expression; empty for a whole grade
    fault: str | None  # why nothing of the tree could be graded
    score: float
    max_score: float  # of the selected problems
    buckets: tuple[BucketScore, ...]
    problems: tuple[ProblemScore, ...]
    environment: dict[str, str]


def verdicts_for(cases: Sequence[Case], seen: Sequence[CaseResult]) -> list[CaseResult]:
    """A result for every case of the suite, in its order. A case without a verdict is a failed case.

    Raises GraderError where a result belongs to no case, or a case has two: the judging is then not to be trusted.
    """
    found: dict[str, CaseResult] = {}
    known = {case.id for case in cases}
    if len(known) != len(cases):
        raise GraderError("the suite has two cases of the same id")
    for result in seen:
        if result.case.id not in known:
            raise GraderError(f"a verdict for {result.case.id}, which is not a case of the suite")
        if result.case.id in found:
            raise GraderError(f"two verdicts for {result.case.id}")
        found[result.case.id] = result
    missing = "no verdict: the run ended before this case"
    return [found.get(case.id) or CaseResult(case, Verdict.ERROR, 0.0, missing) for case in cases]


def score_problem(problem: Problem, results: Sequence[CaseResult]) -> ProblemScore:
    """The problem's points, from its cases' results."""
    counted = [result for result in results if result.verdict is not Verdict.NOT_RUN]
    total = sum(result.case.weight for result in counted)
    passed = [result for result in counted if result.verdict is Verdict.PASS]
    # Full marks by the count and not by a quotient of floats: 10 points must never come out as 9.999999.
    if counted and len(passed) == len(counted):
        return ProblemScore(problem, problem.points, problem.points, tuple(results))
    if not total:
        return ProblemScore(problem, 0.0, 0.0, tuple(results))
    earned = sum(result.case.weight for result in passed)
    return ProblemScore(problem, problem.points * earned / total, problem.points, tuple(results))


def score(
    assignment: Assignment,
    results: Sequence[CaseResult],
    *,
    tree: str,
    tree_hash: str,
    seed: int,
    devices: Sequence[str],
    selection: str,
    fault: str | None,
    environment: dict[str, str],
) -> Grade:
    """The grade over the problems that have a case in `results`."""
    problems = []
    for problem in assignment.problems:
        own = [result for result in results if result.case.problem == problem.name]
        if own:
            problems.append(score_problem(problem, own))
    buckets = []
    for bucket in assignment.buckets:
        inside = [item for item in problems if item.problem.bucket == bucket]
        if inside:
            points = sum(item.max_score for item in inside)
            buckets.append(BucketScore(bucket, sum(item.score for item in inside), points))
    return Grade(
        assignment=assignment.name,
        tree=tree,
        tree_hash=tree_hash,
        seed=seed,
        devices=tuple(devices),
        selection=selection,
        fault=fault,
        score=sum(item.score for item in problems),
        max_score=sum(item.max_score for item in problems),
        buckets=tuple(buckets),
        problems=tuple(problems),
        environment=environment,
    )
