"""Late days, the bank, attempts and which one counts: exact, explainable, and never to a student's cost by accident."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sqlalchemy", reason="what only the course's own machine needs is not installed")

from grader.points import exact, total
from grader.server.book.policy import (
    AssignmentScore,
    Attempt,
    AttemptsLeft,
    Policy,
    attempts_left,
    check_open,
    closes_at,
    due_for,
    earned,
    in_time,
    late_days,
    penalty,
    score_assignment,
    share,
)

steady = settings(derandomize=True, deadline=None, max_examples=150)

DUE = datetime(2026, 12, 3, 23, 59, tzinfo=timezone.utc)
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86400))
STRICT = Policy(due_at=DUE)
LATE = Policy(due_at=DUE, grace_minutes=10, max_late_days=3, penalty_percent=20)
POINTS = {"conv": 10.0, "rnn": 5.0, "lstm": 0.1}


def attempt(points: float, late: timedelta = -HOUR, number: int = 1) -> Attempt:
    return Attempt(number, DUE + late, points)


def scored(policy: Policy, *attempts: Attempt, bank: int = 0, due: datetime | None = DUE) -> AssignmentScore:
    return score_assignment(policy, due, {"conv": attempts}, {"conv": 10.0}, bank)


# -- how late ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "days"),
    [
        (-DAY, 0),
        (timedelta(0), 0),
        (SECOND, 0),
        (10 * MINUTE, 0),
        (10 * MINUTE + SECOND, 1),
        (DAY, 1),
        (DAY + SECOND, 2),
        (2 * DAY, 2),
        (3 * DAY, 3),
        (3 * DAY + 10 * MINUTE, 3),
    ],
    ids=str,
)
def test_late_days_are_days_begun_since_the_due_time(after: timedelta, days: int) -> None:
    """Within the grace nothing is late; then days count from the due time; the grace at the end begins no new one."""
    assert late_days(LATE, DUE, DUE + after) == days
    assert in_time(LATE, DUE, DUE + after)


def test_later_than_all_late_days_is_too_late() -> None:
    """One second after due time, all late days and grace, nothing is taken any more."""
    moment = DUE + 3 * DAY + 10 * MINUTE + SECOND
    assert not in_time(LATE, DUE, moment)
    assert late_days(LATE, DUE, moment) == 4
    assert scored(LATE, attempt(10, 3 * DAY + 10 * MINUTE + SECOND), bank=9).problems["conv"].attempt is None


def test_the_zone_of_a_time_does_not_matter() -> None:
    """A moment is as late in Seoul as it is in UTC."""
    moment = (DUE + DAY + SECOND).astimezone(timezone(9 * HOUR))
    assert late_days(LATE, DUE, moment) == 2


def test_what_is_never_due_is_never_late_and_never_closes() -> None:
    """Without a due time there is nothing to be late for."""
    policy = replace(LATE, due_at=None)
    assert late_days(policy, None, DUE + 900 * DAY) == 0
    assert closes_at(policy, None) is None
    assert check_open(policy, None, DUE + 900 * DAY) is None


def test_an_extension_replaces_the_due_time() -> None:
    """An extended student is late from their own due time on."""
    due = due_for(LATE, DUE + 2 * DAY)
    assert due == DUE + 2 * DAY
    assert late_days(LATE, due, DUE + 2 * DAY + HOUR) == 1


def test_an_extension_only_ever_gives_time() -> None:
    """When everyone's due time moves past an extension, the extended student has the later one too."""
    assert due_for(LATE, DUE - DAY) == DUE
    assert due_for(LATE, None) == DUE
    assert due_for(Policy(), DUE) is None


# -- open or closed ----------------------------------------------------------------------------------------------


def test_before_it_opens_the_sentence_says_when() -> None:
    """Too early, and the student reads from when on."""
    policy = Policy(open_at=DUE - DAY)
    said = check_open(policy, None, DUE - 2 * DAY, "hw4")
    assert said == "hw4 opens on 2026-12-02 23:59 UTC; it is now 2026-12-01 23:59 UTC."
    assert check_open(policy, None, DUE - DAY, "hw4") is None


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (STRICT, "hw4 closed when it was due, on 2026-12-03 23:59 UTC; it is now 2026-12-20 23:59:01 UTC."),
        (
            replace(STRICT, grace_minutes=10),
            "hw4 closed on 2026-12-04 00:09 UTC: it was due on 2026-12-03 23:59 UTC and the 10 minutes of grace ended "
            "then; it is now 2026-12-20 23:59:01 UTC.",
        ),
        (
            LATE,
            "hw4 closed on 2026-12-07 00:09 UTC: it was due on 2026-12-03 23:59 UTC and its 3 late days ended then; "
            "it is now 2026-12-20 23:59:01 UTC.",
        ),
        (
            replace(LATE, max_late_days=1),
            "hw4 closed on 2026-12-05 00:09 UTC: it was due on 2026-12-03 23:59 UTC and its late day ended then; "
            "it is now 2026-12-20 23:59:01 UTC.",
        ),
    ],
    ids=["strict", "grace", "late days", "one late day"],
)
def test_after_it_closed_the_sentence_says_when_and_why(policy: Policy, said: str) -> None:
    """Too late, and the student reads which time has passed."""
    assert check_open(policy, DUE, DUE + 17 * DAY + SECOND, "hw4") == said


@pytest.mark.parametrize("policy", [STRICT, replace(STRICT, grace_minutes=10), LATE], ids=["strict", "grace", "late"])
def test_it_is_open_up_to_the_very_moment_it_closes(policy: Policy) -> None:
    """The last moment is in, the one after is out."""
    closes = closes_at(policy, DUE)
    assert closes is not None
    assert check_open(policy, DUE, closes) is None
    assert check_open(policy, DUE, closes + SECOND) is not None


# -- attempts ----------------------------------------------------------------------------------------------------

HOURLY = Policy(attempts_per_hour=2)


def test_without_a_limit_there_are_always_attempts() -> None:
    """No limit is no number."""
    assert attempts_left(Policy(), [DUE] * 99, DUE) == AttemptsLeft(None, None)


def test_attempts_of_the_last_hour_count() -> None:
    """One that began more than an hour ago costs nothing any more."""
    assert attempts_left(HOURLY, [DUE - 2 * HOUR, DUE - MINUTE], DUE) == AttemptsLeft(1, None)


def test_the_next_attempt_is_free_when_the_oldest_slides_out() -> None:
    """None is left, and it is said when there is one again; at that moment there is."""
    times = [DUE - 10 * MINUTE, DUE - 50 * MINUTE]
    assert attempts_left(HOURLY, times, DUE) == AttemptsLeft(0, DUE + 10 * MINUTE)
    assert attempts_left(HOURLY, times, DUE + 10 * MINUTE - SECOND).left == 0
    assert attempts_left(HOURLY, times, DUE + 10 * MINUTE).left == 1


def test_a_lowered_limit_frees_an_attempt_only_when_enough_have_slid_out() -> None:
    """Three attempts and a limit of two: two have to slide out."""
    times = [DUE - 10 * MINUTE, DUE - 20 * MINUTE, DUE - 30 * MINUTE]
    assert attempts_left(HOURLY, times, DUE) == AttemptsLeft(0, DUE + 40 * MINUTE)


@steady
@given(st.lists(st.integers(0, 7200), max_size=12), st.integers(1, 5))
def test_the_announced_moment_is_the_first_free_one(ages: list[int], limit: int) -> None:
    """Not a second before it, and not only after it."""
    policy, times = Policy(attempts_per_hour=limit), [DUE - age * SECOND for age in ages]
    found = attempts_left(policy, times, DUE)
    assert (found.left == 0) == (found.next_at is not None)
    if found.next_at is not None:
        assert attempts_left(policy, times, found.next_at).left
        assert not attempts_left(policy, times, found.next_at - timedelta(microseconds=1)).left


# -- which one counts --------------------------------------------------------------------------------------------


def test_the_best_attempt_counts() -> None:
    """An attempt after it cannot hurt."""
    found = scored(STRICT, attempt(4, -3 * HOUR, 1), attempt(9, -2 * HOUR, 2), attempt(2, -HOUR, 3))
    assert (found.points, found.problems["conv"].attempt) == (9.0, attempt(9, -2 * HOUR, 2))


def test_of_equally_good_attempts_the_earliest_counts() -> None:
    """So that a later one is no reason for a late day."""
    found = scored(LATE, attempt(9, HOUR, 2), attempt(9, -HOUR, 1))
    assert found.problems["conv"].attempt == attempt(9, -HOUR, 1)
    assert found.problems["conv"].late_days == 0


def test_the_last_attempt_counts_where_the_course_says_so() -> None:
    """Also where it is worse; by the time, and not by the order of the rows."""
    policy = replace(STRICT, counts="last")
    assert scored(policy, attempt(2, -HOUR, 3), attempt(9, -2 * HOUR, 1)).points == 2.0


def test_the_last_attempt_counts_even_with_nothing_right() -> None:
    """Zero points are an attempt like another."""
    found = scored(replace(STRICT, counts="last"), attempt(0, -HOUR, 3), attempt(9, -2 * HOUR, 1))
    assert (found.points, found.problems["conv"].attempt) == (0.0, attempt(0, -HOUR, 3))


def test_an_attempt_after_closing_is_not_the_last() -> None:
    """What is not taken cannot take the place of what is."""
    policy = replace(STRICT, counts="last")
    assert scored(policy, attempt(9, -HOUR), attempt(0, HOUR, 2)).points == 9.0


def test_no_attempt_is_no_points() -> None:
    """A problem that nobody submitted has nothing that counts."""
    found = score_assignment(STRICT, DUE, {}, POINTS, 5)
    assert (found.points, found.bank_days, set(found.problems)) == (0.0, 0, set(POINTS))
    assert found.problems["conv"].attempt is None


def test_more_points_than_a_problem_has_are_cut() -> None:
    """A grade from before a problem's points were lowered does not exceed them."""
    assert scored(STRICT, attempt(12)).points == 10.0


# -- penalty and bank ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bank", "points", "spent"), [(0, 6.0, 0), (1, 8.0, 1), (2, 10.0, 2), (9, 10.0, 2)])
def test_the_bank_pays_before_the_penalty(bank: int, points: float, spent: int) -> None:
    """Two days late at 20 % a day: each day of the bank saves two points, and no more days are spent than needed."""
    found = scored(LATE, attempt(10, DAY + HOUR), bank=bank)
    assert (found.points, found.bank_days) == (points, spent)
    assert found.problems["conv"].penalty == 10.0 - points
    assert found.problems["conv"].late_days == 2


def test_an_earlier_attempt_counts_where_the_penalty_makes_it_the_better_one() -> None:
    """9 on time beats 10 a day late; with the bank it is the other way round."""
    tries = (attempt(9, -HOUR, 1), attempt(10, HOUR, 2))
    assert scored(LATE, *tries).points == 9.0
    assert (scored(LATE, *tries, bank=1).points, scored(LATE, *tries, bank=1).bank_days) == (10.0, 1)


def test_a_day_of_the_bank_pays_for_every_problem() -> None:
    """Days are the assignment's: two late problems cost one day, not two."""
    attempts = {"conv": [attempt(10, HOUR)], "rnn": [attempt(5, 2 * HOUR)]}
    found = score_assignment(LATE, DUE, attempts, POINTS, 1)
    assert (found.points, found.bank_days) == (15.0, 1)


def test_no_day_is_spent_where_nothing_is_gained() -> None:
    """Without a penalty, or with nothing right, the bank stays as it is."""
    assert scored(replace(LATE, penalty_percent=0), attempt(10, HOUR), bank=3).bank_days == 0
    assert scored(LATE, attempt(0, HOUR), bank=3).bank_days == 0


def test_a_penalty_never_goes_below_nothing() -> None:
    """Three days at 50 % cost everything, and no more."""
    found = scored(replace(LATE, penalty_percent=50), attempt(10, 2 * DAY + HOUR))
    assert (found.points, found.problems["conv"].penalty) == (0.0, 10.0)


def test_a_single_day_of_the_bank_may_gain_nothing_where_two_do() -> None:
    """At 60 % a day, three days late: one paid day leaves nothing yet, two leave 4 points, three all."""
    policy = replace(LATE, penalty_percent=60)
    late = attempt(10, 2 * DAY + HOUR)
    assert [scored(policy, late, bank=days).points for days in range(4)] == [0.0, 0.0, 4.0, 10.0]
    assert [scored(policy, late, bank=days).bank_days for days in range(4)] == [0, 0, 2, 3]


def test_points_are_exact() -> None:
    """A tenth less a fifth of it is 0.08, and three thirds of ten points are ten."""
    found = score_assignment(LATE, DUE, {"lstm": [attempt(0.1, HOUR)]}, POINTS, 0)
    assert (found.points, found.problems["lstm"].penalty) == (0.08, 0.02)
    assert total([0.1, 0.2]) == 0.3
    assert (earned(10.0, 3, 3), earned(0.7, 1, 7), earned(10.0, 5, 4), earned(10.0, 1, 0)) == (10.0, 0.1, 10.0, 0.0)


def test_a_share_of_the_cases_stays_exact_to_the_end() -> None:
    """Two thirds of four points less a quarter are two; three problems of a third of ten points are ten."""
    two_thirds = Attempt(1, DUE + HOUR, earned(4.0, 2, 3), share(4.0, 2, 3))
    assert scored(replace(LATE, penalty_percent=25), two_thirds).points == 2.0
    third = Attempt(1, DUE, earned(10.0, 1, 3), share(10.0, 1, 3))
    points = dict.fromkeys("abc", 10.0)
    assert score_assignment(STRICT, DUE, {name: [third] for name in points}, points, 0).points == 10.0


def test_the_penalty_of_any_attempt_can_be_said() -> None:
    """Also of one that does not count: what it would have lost."""
    assert [penalty(LATE, Fraction(10), 2, bank) for bank in (0, 1, 5)] == [4.0, 2.0, 0.0]


# -- properties ----------------------------------------------------------------------------------------------------

policies = st.builds(
    Policy,
    due_at=st.just(DUE),
    grace_minutes=st.sampled_from([0, 10, 1439]),
    max_late_days=st.integers(0, 4),
    penalty_percent=st.sampled_from([0.0, 0.1, 10.0, 33.3, 50.0, 100.0]),
    counts=st.sampled_from(["best", "last"]),
)
marks = st.sampled_from([0.0, 0.1, 1 / 3, 3.3, 5.0, 10.0])
moments = st.integers(-30, 130).map(lambda hours: DUE + hours * HOUR)
tries = st.dictionaries(
    st.sampled_from(sorted(POINTS)),
    st.lists(st.builds(Attempt, id=st.integers(1, 99), at=moments, earned=marks, exactly=st.none()), max_size=4),
)
banks = st.integers(0, 5)


def brute_force(
    policy: Policy, due: datetime, attempts: dict[str, list[Attempt]], points: dict[str, float], days: int
) -> Fraction:
    """The total where the bank pays for `days`, written the long way."""
    sum_ = Fraction()
    for problem, most in points.items():
        taken = [item for item in attempts.get(problem, []) if in_time(policy, due, item.at)]
        worth = []
        for item in sorted(taken, key=lambda item: (item.at, item.id)):
            unpaid = max(0, late_days(policy, due, item.at) - days)
            worth.append(
                min(exact(item.earned), exact(most)) * max(0, 1 - exact(policy.penalty_percent) * unpaid / 100)
            )
        if worth:
            sum_ += worth[-1] if policy.counts == "last" else max(worth)
    return sum_


def distinct(attempts: dict[str, list[Attempt]]) -> dict[str, list[Attempt]]:
    """The same with an id of its own for each attempt of a problem, as the tables have."""
    return {name: [item._replace(id=number) for number, item in enumerate(own)] for name, own in attempts.items()}


@steady
@given(policies, tries, banks)
def test_points_are_between_nothing_and_all(policy: Policy, attempts: dict[str, list[Attempt]], bank: int) -> None:
    """No problem is below nothing or above its points, and neither is the sum; nothing is lost but the penalty."""
    found = score_assignment(policy, DUE, attempts, POINTS, bank)
    assert 0 <= found.points <= total(POINTS.values())
    for problem, counted in found.problems.items():
        assert 0 <= counted.points <= POINTS[problem]
        assert counted.penalty >= 0
        if counted.attempt is not None:
            assert counted.points + counted.penalty == pytest.approx(min(counted.attempt.earned, POINTS[problem]))


@steady
@given(policies, tries, banks)
def test_the_bank_is_spent_as_somebody_patient_would(
    policy: Policy, attempts: dict[str, list[Attempt]], bank: int
) -> None:
    """Never overspent, the highest total that any number of days gives, and no fewer days would give it."""
    attempts = distinct(attempts)
    found = score_assignment(policy, DUE, attempts, POINTS, bank)
    totals = [brute_force(policy, DUE, attempts, POINTS, days) for days in range(bank + 1)]
    assert found.bank_days <= bank
    assert found.points == float(max(totals))
    assert found.bank_days == totals.index(max(totals))
    assert found.points == float(brute_force(policy, DUE, attempts, POINTS, found.bank_days))


@steady
@given(policies, tries, banks, st.randoms(use_true_random=False))
def test_the_order_of_attempts_is_irrelevant(
    policy: Policy, attempts: dict[str, list[Attempt]], bank: int, shuffler: object
) -> None:
    """Rows may come from the database in any order."""
    attempts = distinct(attempts)
    mixed = {name: sorted(own, key=lambda _: shuffler.random()) for name, own in attempts.items()}  # type: ignore[attr-defined]
    assert score_assignment(policy, DUE, mixed, POINTS, bank) == score_assignment(policy, DUE, attempts, POINTS, bank)


@steady
@given(policies, tries, banks, st.integers(0, 20), st.sampled_from([0.1, 1.0, 5.0]))
def test_one_more_correct_case_never_lowers_a_best_score(
    policy: Policy, attempts: dict[str, list[Attempt]], bank: int, which: int, more: float
) -> None:
    """Nor does an attempt more."""
    policy = replace(policy, counts="best")
    before = score_assignment(policy, DUE, attempts, POINTS, bank)
    flat = [(name, at) for name, own in attempts.items() for at in range(len(own))]
    if flat:
        name, at = flat[which % len(flat)]
        own = attempts[name]
        better = [*own[:at], own[at]._replace(earned=own[at].earned + more), *own[at + 1 :]]
        assert score_assignment(policy, DUE, {**attempts, name: better}, POINTS, bank).points >= before.points
        assert (
            score_assignment(policy, DUE, {**attempts, name: [*own, better[at]]}, POINTS, bank).points >= before.points
        )


@steady
@given(policies, tries, banks, st.integers(1, 100))
def test_an_extension_never_lowers(policy: Policy, attempts: dict[str, list[Attempt]], bank: int, hours: int) -> None:
    """Where the best counts; and where the last counts, for what was in time before."""
    closes = closes_at(policy, DUE)
    assert closes is not None
    taken = {name: [item for item in own if item.at <= closes] for name, own in attempts.items()}
    before = score_assignment(policy, DUE, taken, POINTS, bank)
    due = due_for(policy, DUE + hours * HOUR)
    assert score_assignment(policy, due, taken, POINTS, bank).points >= before.points
    best = replace(policy, counts="best")
    before = score_assignment(best, DUE, attempts, POINTS, bank)
    assert score_assignment(best, due, attempts, POINTS, bank).points >= before.points


@steady
@given(policies, tries)
def test_more_in_the_bank_never_lowers(policy: Policy, attempts: dict[str, list[Attempt]]) -> None:
    """A day more in the bank is worth nothing or something."""
    found = [score_assignment(policy, DUE, attempts, POINTS, bank).points for bank in range(6)]
    assert all(fewer <= more for fewer, more in pairwise(found))


@steady
@given(policies, moments, moments)
def test_later_is_never_less_late(policy: Policy, one: datetime, other: datetime) -> None:
    """Late days grow with time, and what is taken has no more of them than the policy allows."""
    first, second = sorted((one, other))
    assert late_days(policy, DUE, first) <= late_days(policy, DUE, second)
    assert in_time(policy, DUE, second) <= in_time(policy, DUE, first)
    if in_time(policy, DUE, second):
        assert late_days(policy, DUE, second) <= policy.max_late_days
