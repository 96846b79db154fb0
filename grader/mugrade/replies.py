"""What a server answers, checked: a reply that is not what the protocol says raises ValueError."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")
_MOST = 1e9  # points; more is nobody's, and would not fit into a line


@dataclass(frozen=True)
class Person:
    """Whom a key speaks for."""

    login: str
    name: str
    role: str  # "student", "grader", "instructor"


@dataclass(frozen=True)
class ServedProblem:
    """A problem, as the server has it."""

    name: str
    aliases: tuple[str, ...]
    points: float
    cases: tuple[str, ...]  # titles by index
    published: bool  # whether there is anything to compare with
    next_attempt_at: str | None  # ISO 8601: where the caller has no attempt left, when the next one is free


@dataclass(frozen=True)
class ServedAssignment:
    """An assignment, as the server has it for the caller."""

    name: str
    open_at: str | None  # ISO 8601
    due_at: str | None  # the caller's own
    closes_at: str | None
    late_days_left: int
    attempts_per_hour: int | None  # at a problem; None: no limit, or the server does not tell
    counts: str  # which submission does: "best", "last"; empty where the server does not tell
    problems: tuple[ServedProblem, ...]

    def problem(self, name: str) -> ServedProblem | None:
        """The problem of that name or alias."""
        return next((item for item in self.problems if name == item.name or name in item.aliases), None)


@dataclass(frozen=True)
class CaseState:
    """A case of a submission."""

    index: int
    correct: bool | None  # None: it has not arrived
    message: str
    value_hash: str | None


@dataclass(frozen=True)
class SubmissionState:
    """A submission, as the server has it."""

    submission_id: str
    open: bool  # whether it still takes cases
    cases: tuple[CaseState, ...]
    correct: int
    total: int
    points: float  # before the penalty
    max_points: float
    late_days: int
    penalty: float  # points taken off
    official: bool  # whether self-reported points count


@dataclass(frozen=True)
class Judged:
    """The verdict on one posted case."""

    correct: bool
    message: str


@dataclass(frozen=True)
class Published:
    """What became of published answers."""

    version: int
    state: str  # "active", "pending", "unchanged"
    cases: int
    changes: int  # students whose points would change
    answer_id: int | None  # by which the server's pages know it


@dataclass(frozen=True)
class Recorded:
    """A verified grade that the server keeps."""

    student: str
    points: float
    max_points: float
    counts: bool | None  # whether verified grades are what counts there; None: the server does not tell


def person(data: dict[str, Any]) -> Person:
    """The reply of /api/me."""
    return Person(_get(data, "login", str), _get(data, "name", str, ""), _get(data, "role", str, ""))


def assignment(data: dict[str, Any]) -> ServedAssignment:
    """The reply of /api/assignments/NAME."""
    return ServedAssignment(
        name=_get(data, "name", str),
        open_at=_text_or_none(data, "open_at"),
        due_at=_text_or_none(data, "due_at"),
        closes_at=_text_or_none(data, "closes_at"),
        late_days_left=_get(data, "late_days_left", int, 0),
        attempts_per_hour=_get(data, "attempts_per_hour", (int, type(None)), None),
        counts=_get(data, "counts", str, ""),
        problems=tuple(
            ServedProblem(
                name=_get(item, "name", str),
                aliases=tuple(map(str, _get(item, "aliases", list, []))),
                points=_number(item, "points"),
                cases=tuple(map(str, _get(item, "cases", list, []))),
                published=_get(item, "published", bool),
                next_attempt_at=_text_or_none(item, "next_attempt_at"),
            )
            for item in _get(data, "problems", list)
        ),
    )


def submission_id(data: dict[str, Any]) -> str:
    """The reply of /submit: some servers count, ours gives text."""
    found = data.get("submission_id")
    if isinstance(found, bool) or not isinstance(found, (str, int)) or not 0 < len(str(found)) <= 200:
        raise ValueError("submission_id is not there")
    return str(found)


def judged(data: dict[str, Any]) -> Judged:
    """The reply of /submit_test."""
    return Judged(_get(data, "correct", bool), _get(data, "message", str, ""))


def submission(data: dict[str, Any]) -> SubmissionState:
    """The reply of /api/submissions/ID."""
    cases = [
        CaseState(
            _get(item, "index", int),
            _get(item, "correct", (bool, type(None)), None),
            _get(item, "message", str, ""),
            _get(item, "value_hash", (str, type(None)), None),
        )
        for item in _get(data, "cases", list)
    ]
    return SubmissionState(
        submission_id=_get(data, "submission_id", str),
        open=_get(data, "open", bool),
        cases=tuple(cases),
        correct=_get(data, "correct", int),
        total=_get(data, "total", int),
        points=_number(data, "points"),
        max_points=_number(data, "max_points"),
        late_days=_get(data, "late_days", int, 0),
        penalty=_number(data, "penalty"),
        official=_get(data, "official", bool),
    )


def published(data: dict[str, Any]) -> Published:
    """The reply of /publish; the original server says nothing in particular."""
    return Published(
        version=_get(data, "version", int, 0),
        state=_get(data, "state", str, "active"),
        cases=_get(data, "cases", int, 0),
        changes=_get(data, "changes", int, 0),
        answer_id=_get(data, "answer_id", (int, type(None)), None),
    )


def recorded(data: dict[str, Any]) -> Recorded:
    """The reply of /api/verified."""
    counts = _get(data, "counts", (bool, type(None)), None)
    return Recorded(_get(data, "student", str), _number(data, "points"), _number(data, "max_points"), counts)


def parsed_time(text: str | None) -> datetime | None:
    """A moment of a reply; None where it is none, or does not say in which time zone."""
    try:
        found = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


_REQUIRED: Any = object()


def _get(data: Any, key: str, kind: type[T] | tuple[type, ...], default: Any = _REQUIRED) -> Any:
    value = data.get(key, default) if isinstance(data, dict) else _REQUIRED
    wanted = kind if isinstance(kind, tuple) else (kind,)
    if value is _REQUIRED or not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise ValueError(f"{key} is not there, or is not what it should be")
    return value


def _number(data: Any, key: str) -> float:
    value = _get(data, key, (int, float))
    if not -_MOST <= value <= _MOST:  # NaN, infinity and what no float holds: each is JSON to Python's reader
        raise ValueError(f"{key} is no number of points")
    return float(value)


def _text_or_none(data: Any, key: str) -> str | None:
    value = _get(data, key, (str, type(None)), None)
    return None if value is None else str(value)
