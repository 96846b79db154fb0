"""Points: exact, between nothing and all, and never lost or won by a fault of the harness."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.assignment import Assignment, Problem
from grader.errors import GraderError
from grader.score import Grade, score, score_problem, verdicts_for
from grader.verdict import Case, CaseResult, Verdict

steady = settings(derandomize=True, deadline=None, max_examples=200)

PASS, FAIL, ERROR, NOT_RUN = Verdict.PASS, Verdict.FAIL, Verdict.ERROR, Verdict.NOT_RUN
TEN = Problem("conv", "conv", 10.0, (), "")

weights = st.sampled_from([0.1, 0.2, 0.3, 1.0, 1 / 3, 2.5, 7.0, 1e-9, 1e9])
points = st.sampled_from([0.1, 0.7, 1.0, 10.0, 100 / 3])
judged = st.lists(st.tuples(weights, st.sampled_from(Verdict)), max_size=12)


def case(number: int, problem: str = "conv", weight: float = 1.0, device: str = "cpu") -> Case:
    return Case(f"test_{problem}.py::test[{number}]", problem, device, weight, "It works.")


def results(verdicts: Sequence[Verdict], problem: str = "conv", weight: float = 1.0) -> list[CaseResult]:
    return [CaseResult(case(i, problem, weight), verdict, 0.1, "") for i, verdict in enumerate(verdicts)]


def weighed(pairs: Sequence[tuple[float, Verdict]]) -> list[CaseResult]:
    return [CaseResult(case(i, weight=weight), verdict, 0.1, "") for i, (weight, verdict) in enumerate(pairs)]


def grade(assignment: Assignment, found: Sequence[CaseResult], selection: str = "", fault: str | None = None) -> Grade:
    return score(
        assignment,
        found,
        tree="tree",
        tree_hash="0",
        suite_hash="1",
        seed=1,
        devices=["cpu"],
        selection=selection,
        fault=fault,
        environment={},
    )


# -- one problem -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "earned", "of"),
    [
        ([PASS, PASS, PASS], 10, 10),
        ([PASS, FAIL, ERROR, PASS], 5, 10),
        ([FAIL, ERROR], 0, 10),
        ([PASS, NOT_RUN], 10, 10),
        ([FAIL, NOT_RUN], 0, 10),
        ([PASS, FAIL, NOT_RUN, NOT_RUN], 5, 10),
        ([NOT_RUN, NOT_RUN], 0, 0),
    ],
    ids=["all", "half", "none", "all-that-ran", "none-that-ran", "half-that-ran", "nothing-ran"],
)
def test_the_points_of_a_problem(verdicts: list[Verdict], earned: float, of: float) -> None:
    """Passed over counted, where what could not be run counts as neither; if nothing could, there are no points."""
    item = score_problem(TEN, results(verdicts))
    assert (item.score, item.max_score) == (earned, of)


def test_cases_count_by_their_weight() -> None:
    """A case of weight 3 counts as three of weight 1."""
    item = score_problem(TEN, weighed([(3.0, PASS), (1.0, FAIL)]))
    assert item.score == 7.5


def test_a_third_is_a_third() -> None:
    """The quotient is rounded once."""
    assert score_problem(TEN, results([PASS, FAIL, FAIL])).score == 10 / 3


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_a_weight_that_is_no_positive_number_is_our_fault(weight: float) -> None:
    """A case that counts nothing, or less, stops the judging."""
    with pytest.raises(GraderError, match="weight"):
        score_problem(TEN, results([PASS, PASS], weight=weight))


def test_verdicts_are_counted() -> None:
    """A problem knows how many of its cases got which verdict."""
    item = score_problem(TEN, results([PASS, FAIL, PASS, ERROR, NOT_RUN]))
    assert [item.count(verdict) for verdict in Verdict] == [2, 1, 1, 1]


@steady
@given(points, judged)
def test_points_lie_between_nothing_and_all(total: float, pairs: list[tuple[float, Verdict]]) -> None:
    """No problem earns less than 0 or more than its points; all of them only if every case passed, 0 only if none."""
    item = score_problem(replace(TEN, points=total), weighed(pairs))
    counted = {verdict for _, verdict in pairs} - {NOT_RUN}
    assert 0 <= item.score <= item.max_score <= total
    if counted == {PASS}:
        assert item.score == item.max_score == total
    if PASS not in counted:
        assert item.score == 0


@steady
@given(points, judged.filter(bool), st.data())
def test_one_more_pass_never_lowers_the_points(
    total: float, pairs: list[tuple[float, Verdict]], data: st.DataObject
) -> None:
    """A case that fails no more costs nothing, whatever the weights and the rounding."""
    problem = replace(TEN, points=total)
    i = data.draw(st.sampled_from(range(len(pairs))))
    weight, verdict = pairs[i]
    better = [*pairs[:i], (weight, NOT_RUN if verdict is NOT_RUN else PASS), *pairs[i + 1 :]]
    assert score_problem(problem, weighed(better)).score >= score_problem(problem, weighed(pairs)).score


@steady
@given(points, judged, st.randoms(use_true_random=False))
def test_the_order_of_cases_does_not_matter(total: float, pairs: list[tuple[float, Verdict]], random: object) -> None:
    """The same verdicts in another order are the same points, to the last bit."""
    problem = replace(TEN, points=total)
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert score_problem(problem, weighed(shuffled)).score == score_problem(problem, weighed(pairs)).score


# -- a whole grade -----------------------------------------------------------------------------------------------


def test_buckets_add_up_their_problems(toy: Assignment) -> None:
    """The toy has 4 + 3 points in one bucket and 3 in the other."""
    found = [*results([PASS], "add"), *results([PASS, FAIL, FAIL], "scale"), *results([FAIL], "total")]
    made = grade(toy, found)
    assert [(b.name, b.score, b.max_score) for b in made.buckets] == [("elementwise", 5, 7), ("reduction", 0, 3)]
    assert (made.score, made.max_score) == (5, 10)
    assert [item.problem.name for item in made.problems] == ["add", "scale", "total"]


def test_sums_are_exact(toy: Assignment) -> None:
    """0.1 + 0.2 points are 0.3, and ten times 0.1 are 1."""
    problems = tuple(Problem(f"p{i}", "all", 0.1, (), "") for i in range(10))
    tenths = replace(toy, problems=problems)
    found = [result for problem in problems for result in results([PASS], problem.name)]
    assert (grade(tenths, found).score, grade(tenths, found).max_score) == (1.0, 1.0)
    two = replace(toy, problems=(Problem("a", "all", 0.1, (), ""), Problem("b", "all", 0.2, (), "")))
    made = grade(two, [*results([PASS], "a"), *results([PASS], "b")])
    assert (made.score, made.max_score, made.buckets[0].score) == (0.3, 0.3, 0.3)


@steady
@given(st.lists(points, min_size=1, max_size=6))
def test_full_marks_are_exactly_the_points(toy: Assignment, totals: list[float]) -> None:
    """A tree that passes everything has the maximum, in each problem, each bucket and the whole."""
    problems = tuple(Problem(f"p{i}", f"b{i % 2}", total, (), "") for i, total in enumerate(totals))
    found = [result for problem in problems for result in results([PASS] * 3, problem.name, weight=1 / 3)]
    made = grade(replace(toy, problems=problems), found)
    assert made.score == made.max_score == float(sum(Fraction(repr(total)) for total in totals))
    assert all(bucket.score == bucket.max_score for bucket in made.buckets)
    assert all(item.score == item.max_score == item.problem.points for item in made.problems)


def test_what_could_not_be_run_is_in_no_sum(toy: Assignment) -> None:
    """A problem without its device takes its points out of the bucket's and the grade's maximum, but is listed."""
    found = [*results([PASS], "add"), *results([NOT_RUN, NOT_RUN], "scale"), *results([NOT_RUN], "total")]
    made = grade(toy, found)
    assert (made.score, made.max_score) == (4, 4)
    assert [(b.name, b.score, b.max_score) for b in made.buckets] == [("elementwise", 4, 4), ("reduction", 0, 0)]
    assert [len(item.results) for item in made.problems] == [1, 2, 1]


def test_a_selection_leaves_the_other_problems_out(toy: Assignment) -> None:
    """With -k the maximum is that of the problems that have a case."""
    made = grade(toy, results([PASS], "scale"), selection="scale")
    assert (made.score, made.max_score) == (3, 3)
    assert [bucket.name for bucket in made.buckets] == ["elementwise"]


def test_without_a_selection_every_problem_has_a_case(toy: Assignment) -> None:
    """A problem whose test file is gone would take its points along: that is our fault, and no grade."""
    with pytest.raises(GraderError, match="no case of scale, total"):
        grade(toy, results([PASS], "add"))


def test_a_case_of_no_problem_is_our_fault(toy: Assignment) -> None:
    """A case whose problem the assignment does not have is not dropped in silence."""
    with pytest.raises(GraderError, match="not a problem"):
        grade(toy, results([PASS], "scales"), selection="scales")


# -- the cases of the suite --------------------------------------------------------------------------------------

CASES = [case(0), case(1), case(2, weight=2.0)]


def test_a_case_without_a_verdict_is_an_error() -> None:
    """Whatever did not report is lost, in the suite's order, and says why."""
    seen = [CaseResult(CASES[2], PASS, 0.5, ""), CaseResult(CASES[0], FAIL, 0.5, "wrong")]
    found = verdicts_for(CASES, seen)
    assert [result.case for result in found] == CASES
    assert [result.verdict for result in found] == [FAIL, ERROR, PASS]
    assert (found[1].message, found[1].seconds) == ("no verdict: the run ended before this case", 0.0)


def test_no_verdict_at_all_loses_everything() -> None:
    """A run that ended before its first case earns nothing."""
    found = verdicts_for(CASES, [])
    assert score_problem(TEN, found).score == 0
    assert score_problem(TEN, found).max_score == 10


STRANGERS = {
    "an unknown id": case(7),
    "another problem": replace(CASES[0], problem="rnn"),
    "another weight": replace(CASES[0], weight=99.0),
    "another device": replace(CASES[0], device="cuda"),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=list(STRANGERS))
def test_a_verdict_for_no_case_of_the_suite_is_our_fault(stranger: Case) -> None:
    """A result must belong to a case as the suite has it."""
    with pytest.raises(GraderError, match="not a case of the suite"):
        verdicts_for(CASES, [CaseResult(stranger, PASS, 0.0, "")])


@pytest.mark.parametrize("verdicts", list(itertools.product([PASS, FAIL], repeat=2)), ids=lambda v: "-".join(v))
def test_two_verdicts_for_a_case_are_our_fault(verdicts: tuple[Verdict, Verdict]) -> None:
    """Neither the first nor the last, nor the better one, can be trusted; not even if they agree."""
    with pytest.raises(GraderError, match="two verdicts"):
        verdicts_for(CASES, [CaseResult(CASES[0], verdict, 0.0, "") for verdict in verdicts])


def test_two_cases_of_one_id_are_our_fault() -> None:
    """The suite's ids are unique."""
    with pytest.raises(GraderError, match="same id"):
        verdicts_for([CASES[0], CASES[0]], [])
