"""What the gradebook shows: plain data, for the pages, the exports and the API. gradebook.py fills it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.points import total
from grader.server.book.policy import Policy
from grader.server.store.models import Role


@dataclass(frozen=True, slots=True)
class Person:
    """A user, as shown."""

    id: int
    login: str
    name: str
    role: Role
    email: str
    section: str
    canvas_id: str
    sis_id: str
    active: bool


@dataclass(frozen=True)
class ProblemInfo:
    """A problem, as shown."""

    id: int
    name: str
    bucket: str
    points: float
    cases: tuple[str, ...]  # titles by index, one for each value of the active answers
    answer_version: int | None  # the active one; None: nothing published yet, so nothing can be submitted
    answer_id: int | None = None  # the active one's
    aliases: tuple[str, ...] = ()  # other names that a client may post under
    answer_since: datetime | None = None  # since when the active one judges


@dataclass(frozen=True)
class AssignmentInfo:
    """An assignment, as shown."""

    id: int
    name: str
    title: str
    canvas_column: str
    policy: Policy
    problems: tuple[ProblemInfo, ...]

    @property
    def points(self) -> float:
        """The most one can have."""
        return total(problem.points for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a student has of one problem."""

    points: float  # what counts, after penalty
    max_points: float
    kind: str  # "self-reported", "verified", or "" where there is none
    attempts: int
    late_days: int
    penalty: float
    counted_id: int | None  # id of the submission or verified grade that counts
    self_points: float | None  # best of what they reported themselves, before penalty; None: nothing
    verified_points: float | None  # best of what the grader found, before penalty; None: nothing


@dataclass(frozen=True, slots=True)
class Row:
    """A student's line of the gradebook."""

    person: Person
    cells: dict[str, Cell]  # by problem
    total: float
    late_days_spent: int  # of the bank, on this assignment
    extended_until: datetime | None


@dataclass(frozen=True)
class Gradebook:
    """Students x problems."""

    assignment: AssignmentInfo
    rows: tuple[Row, ...]  # by name; active students only


@dataclass(frozen=True)
class CaseView:
    """A case of a submission, as shown. A case that has not arrived has correct None."""

    index: int
    title: str
    correct: bool | None
    message: str
    received_at: datetime | None
    value_hash: str | None = None  # codec.digest of what arrived; None: nothing


@dataclass(frozen=True)
class SubmissionView:
    """A submission, as shown."""

    id: int
    public_id: str
    person: Person
    problem: ProblemInfo
    opened_at: datetime
    counts_from: datetime | None  # when its last case arrived; None: no case yet
    late_days: int  # days begun since their due time, also where it was closed by then
    correct: int
    total: int
    points: float  # before penalty
    penalty: float  # taken off where it counts
    in_time: bool  # whether it came before the assignment closed for them
    counts: bool  # whether it is the one that counts
    client: str
    tree_hash: str
    cases: tuple[CaseView, ...]


@dataclass(frozen=True)
class VerifiedView:
    """A verified grade, as shown."""

    id: int
    person: Person
    points: dict[str, float]  # by problem; as the problems are called now, and of the points that they have now
    submission_hash: str
    suite_hash: str
    seed: str
    submitted_at: datetime
    graded_at: datetime
    posted_at: datetime
    late_days: int  # days begun since their due time, also where it was closed by then
    posted_by: str  # login of the key that signed
    replaced: bool = False  # a newer one of the same tree counts in its place
    withdrawal: WithdrawalView | None = None


@dataclass(frozen=True)
class WithdrawalView:
    """That a verified grade was withdrawn, as shown."""

    at: datetime
    by: str  # login
    reason: str  # for the staff


@dataclass(frozen=True)
class StudentView:
    """Everything about one student in one assignment."""

    row: Row
    submissions: tuple[SubmissionView, ...]  # newest first
    verified: tuple[VerifiedView, ...]  # newest first
    due_at: datetime | None  # their own: with an extension
    closes_at: datetime | None  # after grace and all late days
    bank: int  # late days they had at the start of the course
    bank_left: int  # after all assignments


@dataclass(frozen=True)
class ProblemStats:
    """How a problem goes."""

    problem: ProblemInfo
    students: int  # who have submitted it
    full: int  # who have all its points
    attempts: int
    mean_points: float  # over those who submitted
    # By case index: share of the counted submissions that have it right; where verified grades count, of the best ones.
    case_pass_rates: tuple[float, ...]


@dataclass(frozen=True)
class Statistics:
    """How an assignment goes."""

    students: int
    problems: tuple[ProblemStats, ...]
    histogram: tuple[int, ...]  # students by total, ten bins from 0 to the most; the last one includes the most


@dataclass(frozen=True)
class LiveCounts:
    """What is going on around a deadline."""

    now: datetime
    due_at: datetime | None
    submitted_any: int  # students with at least one judged case
    submitted_all: int  # students with every problem submitted
    students: int
    cases_last_minute: int
    submissions_last_minute: int
    submissions_last_hour: tuple[int, ...]  # by five minutes, oldest first: twelve numbers


@dataclass(frozen=True)
class AnswerView:
    """A version of the answers to a problem, as shown."""

    id: int
    problem: ProblemInfo
    version: int
    state: str  # "active", "pending" (waits to be applied), "replaced"
    value_count: int
    published_at: datetime
    published_by: str  # login
