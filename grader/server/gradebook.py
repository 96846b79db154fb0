"""What the gradebook shows, read from the tables in a few queries: plain data for the pages and the exports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.server.models import Role
from grader.server.policy import Policy


@dataclass(frozen=True)
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
    cases: tuple[str, ...]  # titles by index
    answer_version: int | None  # the active one; None: nothing published yet, so nothing can be submitted


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
        return sum(problem.points for problem in self.problems)


@dataclass(frozen=True)
class Cell:
    """What a student has of one problem."""

    points: float  # what counts, after penalty
    max_points: float
    kind: str  # "self-reported", "verified", or "" where there is none
    attempts: int
    late_days: int
    penalty: float
    counted_id: int | None  # id of the submission or verified grade that counts
    self_points: float | None  # best of what they reported themselves; None: nothing
    verified_points: float | None


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class SubmissionView:
    """A submission, as shown."""

    id: int
    public_id: str
    person: Person
    problem: ProblemInfo
    opened_at: datetime
    counts_from: datetime | None  # when its last case arrived; None: no case yet
    late_days: int
    correct: int
    total: int
    points: float  # before penalty
    counts: bool  # whether it is the one that counts
    client: str
    tree_hash: str
    cases: tuple[CaseView, ...]


@dataclass(frozen=True)
class VerifiedView:
    """A verified grade, as shown."""

    id: int
    person: Person
    points: dict[str, float]  # by problem
    submission_hash: str
    suite_hash: str
    seed: str
    submitted_at: datetime
    graded_at: datetime
    posted_at: datetime
    late_days: int
    posted_by: str  # login of the key that signed


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
    case_pass_rates: tuple[float, ...]  # by case index: share of the counted submissions that have it right


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


# Functions (each takes a Session first):
#
# assignments(session) -> tuple[AssignmentInfo, ...]
# assignment(session, name) -> AssignmentInfo                      raises errors.NotFound
# gradebook(session, assignment_name) -> Gradebook
# student_view(session, assignment_name, login) -> StudentView
# submission_view(session, public_id) -> SubmissionView
# statistics(session, assignment_name) -> Statistics
# live_counts(session, assignment_name, now) -> LiveCounts
# answer_versions(session, assignment_name) -> tuple[AnswerView, ...]   newest first, by problem
# people(session, roles=None, search="") -> tuple[Person, ...]
