"""When a submission is late, what that costs, and which one counts. Pure: no clock, no database.

A problem earns points x (correct cases / all cases of the active answers). A submission counts from the moment its
last case arrived, and takes none that would make it a day later. Up to due time plus grace it is on time; after that
each day begun, counted from the due time, is a late day. More than `max_late_days` late it is not taken at all. A late
day is paid for from the student's bank, or else costs `penalty_percent` of what the problem earned. An extension moves
the student's due time.

Late days of the bank are spent by us, where they gain points: assignments in the order of their due times, each as few
as give the highest total.

An assignment closes at due time + `max_late_days` days + grace, for everyone alike: whether the bank or the penalty
pays does not move it. The grace at the very end begins no further late day. So with a due time of Thursday 23:59, ten
minutes of grace and two late days: until Friday 00:09 on time, until Friday 23:59 one day late, until Sunday 00:09 two,
then closed.

A late day is the assignment's, not a problem's: spending two days of the bank pays for the first two late days of every
problem. Sums are of fractions of the numbers as they are written, as in grader/score.py: 0.1 + 0.2 points are 0.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from functools import lru_cache
from operator import attrgetter
from typing import Literal, NamedTuple

from grader.points import exact

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)  # the window of attempts_per_hour; it slides


@dataclass(frozen=True)
class Policy:
    """The rules of one assignment."""

    open_at: datetime | None = None  # None: open since ever
    due_at: datetime | None = None  # None: never due
    grace_minutes: int = 0  # after due_at, in which nothing is late
    max_late_days: int = 0  # later than this it is closed
    penalty_percent: float = 0.0  # of a problem's points, per late day that the bank does not pay
    attempts_per_hour: int | None = None  # per problem and student; None: no limit
    counts: Literal["best", "last"] = "best"
    official: Literal["self-reported", "verified"] = "self-reported"


class Attempt(NamedTuple):  # and no dataclass: a gradebook makes 15,000 of them, in a third of the time
    """What one submission, or one verified grade, earned of one problem."""

    id: int  # submissions.id, or verified_grades.id
    at: datetime  # the moment it counts from
    earned: float  # points before any penalty
    exactly: Fraction | None = None  # the same, where it is no decimal number; None: `earned` as it is written


@dataclass(frozen=True, slots=True)
class Counted:
    """What a student has of one problem."""

    attempt: Attempt | None  # the one that counts; None: there is none in time
    late_days: int  # of that attempt
    penalty: float  # points taken off
    points: float  # what is left


@dataclass(frozen=True, slots=True)
class AssignmentScore:
    """What a student has of one assignment."""

    problems: dict[str, Counted]  # problem -> what counts
    points: float
    bank_days: int  # late days of the bank spent on it


@dataclass(frozen=True)
class AttemptsLeft:
    """How many attempts at a problem a student may still begin."""

    left: int | None  # now; None: there is no limit
    next_at: datetime | None  # where none is left: when the next one is free


_IN_ORDER = attrgetter("at", "id")


# -- points -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def share(points: float, correct: int, cases: int) -> Fraction:
    """What `correct` of `cases` cases earn of a problem's points. No case, or none that counts: nothing."""
    return exact(points) * min(correct, cases) / cases if cases else Fraction()


@lru_cache(maxsize=4096)
def earned(points: float, correct: int, cases: int) -> float:
    """The share, as it is shown."""
    return float(share(points, correct, cases))


# -- times ---------------------------------------------------------------------------------------------------------


def due_for(policy: Policy, extended_until: datetime | None) -> datetime | None:
    """A student's own due time. An extension only ever gives time: moving everyone's due time past it moves theirs."""
    if policy.due_at is None or extended_until is None:
        return policy.due_at
    return max(policy.due_at, extended_until)


def closes_at(policy: Policy, due: datetime | None) -> datetime | None:
    """The last moment at which something due at `due` is taken; None: it never closes."""
    return None if due is None else due + policy.max_late_days * DAY + _grace(policy)


def in_time(policy: Policy, due: datetime | None, at: datetime) -> bool:
    """Whether something that counts from `at` came before the assignment closed."""
    closes = closes_at(policy, due)
    return closes is None or at <= closes


def late_days(policy: Policy, due: datetime | None, at: datetime) -> int:
    """How many days late something is that counts from `at`, also where it is too late to be taken."""
    if due is None or at <= due + _grace(policy):
        return 0
    begun = -((due - at) // DAY)
    return min(begun, policy.max_late_days) if in_time(policy, due, at) else begun


def check_open(policy: Policy, due: datetime | None, now: datetime, name: str = "the assignment") -> str | None:
    """None where a submission is taken at `now`; else one sentence that says why not, with the times."""
    if policy.open_at is not None and now < policy.open_at:
        return f"{name} opens on {in_words(policy.open_at)}; it is now {in_words(now)}."
    closes = closes_at(policy, due)
    if due is None or closes is None or now <= closes:
        return None
    if policy.max_late_days:
        days = "its late day" if policy.max_late_days == 1 else f"its {policy.max_late_days} late days"
        return (
            f"{name} closed on {in_words(closes)}: it was due on {in_words(due)} and {days} ended then; "
            f"it is now {in_words(now)}."
        )
    if policy.grace_minutes:
        return (
            f"{name} closed on {in_words(closes)}: it was due on {in_words(due)} and the "
            f"{policy.grace_minutes} minutes of grace ended then; it is now {in_words(now)}."
        )
    return f"{name} closed when it was due, on {in_words(due)}; it is now {in_words(now)}."


def in_words(moment: datetime) -> str:
    """A moment for a person, in UTC: "2026-12-03 23:59 UTC", with seconds where there are any."""
    moment = moment.astimezone(timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC" if moment.second else "%Y-%m-%d %H:%M UTC")


def attempts_left(policy: Policy, first_case_times: Iterable[datetime], now: datetime) -> AttemptsLeft:
    """How many attempts may be begun in the hour that ends now.

    first_case_times: when each of the student's attempts at the problem began to cost one, in any order.
    """
    limit = policy.attempts_per_hour
    if limit is None:
        return AttemptsLeft(None, None)
    recent = sorted(moment for moment in first_case_times if moment > now - HOUR)
    if len(recent) < limit:
        return AttemptsLeft(limit - len(recent), None)
    # The next one is free once all but limit - 1 of these have slid out of the hour.
    return AttemptsLeft(0, recent[-limit] + HOUR)


def _grace(policy: Policy) -> timedelta:
    return timedelta(minutes=policy.grace_minutes)


# -- which one counts ----------------------------------------------------------------------------------------------


def score_assignment(
    policy: Policy,
    due: datetime | None,
    attempts: Mapping[str, Sequence[Attempt]],
    points: Mapping[str, float],
    bank_left: int,
) -> AssignmentScore:
    """What a student has of an assignment.

    due: their own due time, see due_for. attempts: by problem, in any order, of the kind that counts. points: the most
    of each problem. bank_left: late days that assignments due earlier left in the bank.

    All numbers of days of the bank are tried, from none up, and the first one that gives the highest total is taken.
    """
    tried = {problem: _candidates(policy, due, attempts.get(problem, ()), most) for problem, most in points.items()}
    latest = max((item.late_days for items in tried.values() for item in items), default=0)
    payable = min(bank_left, latest) if policy.penalty_percent else 0
    chosen = _score(policy, tried, 0)
    if payable > 0:
        # A day more never gives less, so the last number tells what the highest total is: mostly that of none.
        highest = _score(policy, tried, payable).points
        days = 0
        while chosen.points < highest:
            days += 1
            chosen = _score(policy, tried, days)
    return AssignmentScore(
        {problem: _counted(*item) for problem, item in chosen.problems.items()}, float(chosen.points), chosen.bank_days
    )


def penalty(policy: Policy, points: Fraction, days: int, bank_days: int) -> float:
    """What is taken off `points` for being `days` late where the bank pays for `bank_days` of them."""
    return float(points - _after_penalty(policy, points, days - bank_days))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An attempt that may count: it came before the assignment closed."""

    attempt: Attempt
    late_days: int
    earned: Fraction  # no more than the problem's points, which may have been lowered since


@dataclass(frozen=True, slots=True)
class _Score:
    """An AssignmentScore in fractions."""

    problems: dict[str, tuple[_Candidate | None, Fraction]]  # problem -> what counts, its points after penalty
    points: Fraction
    bank_days: int


def _candidates(policy: Policy, due: datetime | None, attempts: Sequence[Attempt], most: float) -> list[_Candidate]:
    """Of attempts in time the last one; or else the best of each number of late days, for there the penalty is one."""
    on_time_until, closes = None if due is None else due + _grace(policy), closes_at(policy, due)
    found: dict[int, _Candidate] = {}
    # In the order of time, so that of equal ones the earliest stays.
    for attempt in sorted(attempts, key=_IN_ORDER):
        if closes is not None and attempt.at > closes:
            break  # nor is any later one in time
        days = 0 if on_time_until is None or attempt.at <= on_time_until else late_days(policy, due, attempt.at)
        known = found.get(days)
        if policy.counts == "last":
            found = {days: _Candidate(attempt, days, _points(attempt, most))}
        elif known is None or attempt.earned > known.attempt.earned:
            found[days] = _Candidate(attempt, days, _points(attempt, most))
    return list(found.values())


def _points(attempt: Attempt, most: float) -> Fraction:
    if attempt.earned > most:
        return exact(most)
    return exact(attempt.earned) if attempt.exactly is None else attempt.exactly


def _score(policy: Policy, tried: Mapping[str, Sequence[_Candidate]], bank_days: int) -> _Score:
    problems = {problem: _choose(policy, items, bank_days) for problem, items in tried.items()}
    return _Score(problems, _sum(left for _, left in problems.values()), bank_days)


def _sum(numbers: Iterable[Fraction]) -> Fraction:
    """Their sum. Those of one denominator are added as integers: a class has few, and adding fractions takes long."""
    numerators: dict[int, int] = {}
    for number in numbers:
        numerators[number.denominator] = numerators.get(number.denominator, 0) + number.numerator
    return sum((Fraction(numerator, denominator) for denominator, numerator in numerators.items()), Fraction())


def _choose(policy: Policy, items: Sequence[_Candidate], bank_days: int) -> tuple[_Candidate | None, Fraction]:
    """The candidate that counts, and its points after penalty. Of equal ones, the earliest."""
    best, most = None, Fraction(-1)
    for item in items:
        left = _after_penalty(policy, item.earned, item.late_days - bank_days)
        if len(items) == 1 or left > most:
            best, most = item, left
    return (best, most) if best else (None, Fraction())


def _after_penalty(policy: Policy, points: Fraction, unpaid: int) -> Fraction:
    """What is left of the points after `unpaid` late days; none is taken off where that is not positive."""
    if unpaid <= 0 or not policy.penalty_percent:
        return points
    return points * max(Fraction(0), 1 - exact(policy.penalty_percent) * unpaid / 100)


def _counted(item: _Candidate | None, left: Fraction) -> Counted:
    if item is None:
        return Counted(None, 0, 0.0, 0.0)
    off = float(item.earned - left) if item.late_days else 0.0
    return Counted(item.attempt, item.late_days, off, float(left))
