"""When a submission is late, what that costs, and which one counts. Pure: no clock, no database.

A problem earns points x (correct cases / all cases of the active answers). A submission counts from the moment its last
case arrived. Up to due time plus grace it is on time; after that each day begun, counted from the due time, is a late day.
More than `max_late_days` late it is not taken at all. A late day is paid for from the student's bank, or else costs
`penalty_percent` of what the problem earned. An extension moves the student's due time.

Late days of the bank are spent by us, where they gain points: assignments in the order of their due times, each as few as
give the highest total.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


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


@dataclass(frozen=True)
class Attempt:
    """What one submission, or one verified grade, earned of one problem."""

    id: int  # submissions.id, or verified_grades.id
    at: datetime  # the moment it counts from
    earned: float  # points before any penalty


@dataclass(frozen=True)
class Counted:
    """What a student has of one problem."""

    attempt: Attempt | None  # the one that counts; None: there is none in time
    late_days: int  # of that attempt
    penalty: float  # points taken off
    points: float  # what is left


@dataclass(frozen=True)
class AssignmentScore:
    """What a student has of one assignment."""

    problems: dict[str, Counted]  # problem -> what counts
    points: float
    bank_days: int  # late days of the bank spent on it
