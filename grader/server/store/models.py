"""The tables. What a grade rests on is only ever added to; nothing of it is changed or deleted.

    users ── keys                       who; with which secrets (hashes of them)
    assignments ── problems ── answers  what; what is right, by version
    policies, extensions                when; the newest row counts
    submissions ── cases ── judgements  what was posted; how it was judged, under which answers
    verified_grades ── withdrawals      what the grader found, signed; what of it was a mistake
    events                              what people did about any of it

`tallies` alone is derived: a submission's judgements under the active answers, added up, so that the gradebook need
not count a hundred thousand cases. It is written in the transaction that changes what it counts; `regrade.recount`
rebuilds it.

Every time is UTC. Migrations are in migrations/; a test holds that they lead to exactly these tables.
"""

from __future__ import annotations

import enum
from datetime import datetime, timezone
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Dialect,
    Enum,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Tables to which rows are only added: triggers of the first migration refuse an UPDATE or DELETE, whoever asks.
APPEND_ONLY = (
    "answers",
    "submissions",
    "cases",
    "judgements",
    "activations",
    "policies",
    "course_settings",
    "extensions",
    "verified_grades",
    "withdrawals",
    "events",
)


class Role(str, enum.Enum):
    """What a person may do."""

    STUDENT = "student"  # submit, see their own points
    GRADER = "grader"  # post verified grades; see what an instructor sees, and change nothing else
    INSTRUCTOR = "instructor"  # everything


class Utc(TypeDecorator[datetime]):
    """A moment, with its time zone in Python whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses a naive time: nobody could say which moment it is."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(timezone.utc) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite gives back naive times; they are UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


class Base(DeclarativeBase):
    """Base of all tables. Constraints are named by rule, so that a migration can refer to them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Utc,
        bytes: LargeBinary,
        dict[str, Any]: JSON,
        list[str]: JSON,
    }


# -- who ---------------------------------------------------------------------------------------------------------


class User(Base):
    """A person, or a machine that grades."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(100), unique=True)  # how the course calls them: "mwu7"
    name: Mapped[str] = mapped_column(String(200))  # "Wu, Mei"
    role: Mapped[Role] = mapped_column(
        Enum(Role, native_enum=False, length=20, values_callable=lambda e: [r.value for r in e])
    )
    email: Mapped[str] = mapped_column(String(200), default="")
    section: Mapped[str] = mapped_column(String(100), default="")
    # Canvas's columns, kept as they came, so that the export goes back to the same rows.
    canvas_id: Mapped[str] = mapped_column(String(100), default="")  # column ID
    sis_id: Mapped[str] = mapped_column(String(100), default="")  # column SIS User ID
    active: Mapped[bool] = mapped_column(Boolean, default=True)  # False: left the course; keys no longer work
    created_at: Mapped[datetime]


class Key(Base):
    """A secret that speaks for a user. Only its hash is here: it was shown once."""

    __tablename__ = "keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256, hexadecimal
    hint: Mapped[str] = mapped_column(String(12))  # its first characters, to tell keys apart in a list
    verify_key: Mapped[str] = mapped_column(
        String(64)
    )  # Ed25519 public key, hexadecimal: what it signs is checked with it
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class WebSession(Base):
    """A signed-in browser."""

    __tablename__ = "web_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the cookie
    key_id: Mapped[int] = mapped_column(ForeignKey("keys.id"))  # the key it was opened with; revoked, the session ends
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


# -- what, and what is right ---------------------------------------------------------------------------------------


class CourseSettings(Base):
    """Settings of the whole course; the newest row counts."""

    __tablename__ = "course_settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    late_days: Mapped[int] = mapped_column(default=0)  # each student's bank of late days, over all assignments
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class AssignmentRow(Base):
    """An assignment, as its assignment.toml described it when the server last started."""

    __tablename__ = "assignments"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)  # "hw4"
    title: Mapped[str] = mapped_column(String(300))
    canvas_column: Mapped[str] = mapped_column(String(300), default="")  # "hw4 (12345)"; empty: the name


class PolicyRow(Base):
    """When an assignment may be submitted and what counts; the newest row counts. See policy.Policy for the meaning."""

    __tablename__ = "policies"

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), index=True)
    open_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    grace_minutes: Mapped[int] = mapped_column(default=0)
    max_late_days: Mapped[int] = mapped_column(default=0)
    penalty_percent: Mapped[float] = mapped_column(Float, default=0.0)
    attempts_per_hour: Mapped[int | None]
    counts: Mapped[str] = mapped_column(String(20), default="best")  # "best" or "last"
    official: Mapped[str] = mapped_column(String(20), default="self-reported")  # or "verified"
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class ProblemRow(Base):
    """What earns points."""

    __tablename__ = "problems"
    __table_args__ = (UniqueConstraint("assignment_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    name: Mapped[str] = mapped_column(String(100))
    aliases: Mapped[list[str]] = mapped_column(JSON, default=list)  # other names that a client may post under
    bucket: Mapped[str] = mapped_column(String(100))
    points: Mapped[float] = mapped_column(Float)
    position: Mapped[int]  # in assignment.toml
    case_titles: Mapped[list[str]]  # of its submission cases, by index
    rtol: Mapped[float] = mapped_column(Float)
    atol: Mapped[float] = mapped_column(Float)


class Answer(Base):
    """A version of the right answers to a problem."""

    __tablename__ = "answers"
    __table_args__ = (UniqueConstraint("problem_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    problem_id: Mapped[int] = mapped_column(ForeignKey("problems.id"))
    version: Mapped[int]  # 1, 2, ...
    value_count: Mapped[int]
    value_hash: Mapped[str] = mapped_column(String(64))
    # Copies of the problem's, so that a judgement can be explained after assignment.toml changed.
    rtol: Mapped[float] = mapped_column(Float)
    atol: Mapped[float] = mapped_column(Float)
    published_at: Mapped[datetime]
    published_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    values: Mapped[bytes]  # the list of all values; see values.pack; last, as a case's value is


class Activation(Base):
    """From when on a version judges; a problem's newest row counts. An answer without one waits to be applied."""

    __tablename__ = "activations"

    id: Mapped[int] = mapped_column(primary_key=True)
    problem_id: Mapped[int] = mapped_column(ForeignKey("problems.id"), index=True)
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"))
    activated_at: Mapped[datetime]
    activated_by: Mapped[int] = mapped_column(ForeignKey("users.id"))


class Extension(Base):
    """More time for one student; the newest row of a student and assignment counts."""

    __tablename__ = "extensions"
    __table_args__ = (Index("ix_extensions_assignment_id_user_id", "assignment_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    due_at: Mapped[datetime | None]  # the student's own due time; None takes an extension back
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))


# -- what was posted, and how it was judged -------------------------------------------------------------------------


class Submission(Base):
    """One attempt at a problem. It costs an attempt once a case of it was judged."""

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("user_id", "token"),
        Index("ix_submissions_problem_id_user_id", "problem_id", "user_id"),
        Index("ix_submissions_token", "token"),  # a token that somebody else has used is found by it
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)  # what clients call it
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    problem_id: Mapped[int] = mapped_column(ForeignKey("problems.id"))
    token: Mapped[str] = mapped_column(
        String(64)
    )  # the client's Idempotency-Key, or ours: a repeated post opens no other
    tree_hash: Mapped[str] = mapped_column(
        String(64), default=""
    )  # of the tree that was submitted, where the client said
    client: Mapped[str] = mapped_column(String(200), default="")  # its User-Agent
    opened_at: Mapped[datetime]


class CaseRow(Base):
    """A posted value."""

    __tablename__ = "cases"
    __table_args__ = (UniqueConstraint("submission_id", "case_index"),)  # two posts at once never count twice

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    case_index: Mapped[int]
    value_hash: Mapped[str] = mapped_column(String(64))  # codec.digest: the same value posted again is recognised by it
    received_at: Mapped[datetime]
    value: Mapped[bytes]  # see values.pack; last, because SQLite reads through it to get at a column behind it


class Judgement(Base):
    """How a case compares with a version of the answers."""

    __tablename__ = "judgements"
    __table_args__ = (UniqueConstraint("case_id", "answer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"), index=True)
    correct: Mapped[bool]
    message: Mapped[str] = mapped_column(Text, default="")  # for the student; never says what was expected
    judged_at: Mapped[datetime]
    judged_by: Mapped[str] = mapped_column(String(50))  # version of the judging code: grader.__version__


class Tally(Base):
    """A submission's judgements under the active answers, added up. Derived; see the top of the file."""

    __tablename__ = "tallies"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    correct: Mapped[int] = mapped_column(Integer, default=0)
    judged: Mapped[int] = mapped_column(Integer, default=0)
    first_case_at: Mapped[datetime]  # when it began to cost an attempt
    last_case_at: Mapped[datetime]  # the moment it counts from


class VerifiedGrade(Base):
    """A grade that the grader computed in its box, signed with a grader's key."""

    __tablename__ = "verified_grades"
    __table_args__ = (Index("ix_verified_grades_assignment_id_user_id", "assignment_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))  # whose it is
    submission_hash: Mapped[str] = mapped_column(String(64))
    suite_hash: Mapped[str] = mapped_column(String(64))
    seed: Mapped[str] = mapped_column(String(20))
    points: Mapped[dict[str, Any]]  # problem, as it was called then -> [earned, most], as they were then
    statement: Mapped[str] = mapped_column(Text)  # the signed bytes, canonical JSON
    statement_hash: Mapped[str] = mapped_column(String(64), unique=True)  # a replayed statement is found by it
    signature: Mapped[str] = mapped_column(String(128))
    submitted_at: Mapped[datetime]  # when the student handed the tree in
    graded_at: Mapped[datetime]
    posted_at: Mapped[datetime]
    key_id: Mapped[int] = mapped_column(ForeignKey("keys.id"))  # that signed


class Withdrawal(Base):
    """A verified grade that counts no longer: somebody else's tree, a broken machine. It is not taken back."""

    __tablename__ = "withdrawals"

    id: Mapped[int] = mapped_column(primary_key=True)
    verified_grade_id: Mapped[int] = mapped_column(ForeignKey("verified_grades.id"), unique=True)
    reason: Mapped[str] = mapped_column(Text)  # for the staff
    created_at: Mapped[datetime]
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))


class Event(Base):
    """Something that a person did: a sign-in, a key made or revoked, a roster import, a setting, an answer applied."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id")
    )  # None: the command line of the server's machine
    kind: Mapped[str] = mapped_column(String(50))  # "key.rotated"
    about: Mapped[str] = mapped_column(String(300))  # whom or what, in words
    details: Mapped[dict[str, Any]]
