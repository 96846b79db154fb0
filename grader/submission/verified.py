"""Post verified grades: read what `grade` wrote, state it, sign it, send it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.mugrade import signature
from grader.mugrade.client import Client, SubmitError, Unreachable
from grader.report.wording import count, in_line, points
from grader.submission.screen import Screen

POSTED, NOT_POSTED = 0, SubmitError.exit_status
WITHDRAWN = "it was withdrawn"  # in the server's sentence: it has the grade, which does not count any more


@dataclass(frozen=True)
class VerifiedGrade:
    """A grade to be posted."""

    folder: Path
    assignment: str
    student: str
    statement: str  # the same whenever it is made of the same grade.json, so that a repeated post is recognised
    score: float
    max_score: float


def read(folders: Sequence[Path], *, student: str, submitted_at: str) -> list[VerifiedGrade]:
    """The grades in the folders, stated. Raises UsageError for the first that cannot be posted: none is, then."""
    if student and len(folders) > 1:
        raise UsageError(f"--student has value {student!r} for {len(folders)} folders; expected one folder with it.")
    handed_in = _time(submitted_at) if submitted_at else None
    grades = [_read(folder, student, handed_in) for folder in folders]
    for grade in grades:
        twice = [other.folder for other in grades if other.student == grade.student]
        if len(twice) > 1:
            raise UsageError(
                f"{twice[0]} and {twice[1]} are both of the student {grade.student!r}; expected one of each."
            )
    return grades


def post(client: Client, key: str, grades: Sequence[VerifiedGrade], screen: Screen) -> int:
    """Sign and post the grades, each by itself; the exit status. Raises SubmitError where no further one would do."""
    person = client.me()
    if person is not None and person.role not in ("grader", "instructor"):
        raise SubmitError(f"The key is that of {person.login}, a {person.role}: verified grades are a grader's.", 403)
    lost = 0
    beside: dict[str, None] = {}  # assignments whose totals these grades do not change, in order
    for grade in grades:
        try:
            done = client.verified(grade.statement, signature.sign(grade.statement, key))
        except SubmitError as error:
            if error.status == 409 and WITHDRAWN not in str(error):  # the reply was lost, or it was posted before
                screen.line(f"{grade.student}: {points(grade.score, grade.max_score)}, recorded before")
                continue
            if isinstance(error, Unreachable) or error.status in (None, 401) or error.status >= 500:
                raise
            lost += 1
            screen.line(f"{grade.student}: not posted: {error}", "red")
        else:
            screen.line(f"{in_line(done.student)}: {points(done.points, done.max_points)}, recorded")
            if done.counts is False:
                beside[grade.assignment] = None
    for name in beside:
        screen.line(
            f"recorded; {in_line(name)} counts self-reported grades, so it stands beside them "
            f"(python -m grader policy {in_line(name)} --official verified changes that)",
            "yellow",
        )
    if lost:
        print(f"error: {lost} of {count(len(grades), 'grade')} could not be posted; see above.", file=sys.stderr)
        return NOT_POSTED
    return POSTED


def _read(folder: Path, student: str, submitted_at: str | None) -> VerifiedGrade:
    file = folder / "grade.json"
    try:
        document: Any = json.loads(file.read_text(encoding="utf-8"))
        # When the grade was made: its file's own time, and not that of posting, so that posting again says the same.
        graded_at = datetime.fromtimestamp(int(file.stat().st_mtime), timezone.utc).isoformat()
    except FileNotFoundError:
        raise UsageError(f"{file} is not there; expected a folder that `python -m grader grade` wrote.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}.") from None
    if not isinstance(document, dict):
        raise UsageError(f"{file} holds no grade; expected what `python -m grader grade` wrote.")
    if not document.get("suite_hash") or not document.get("tree_hash"):
        lacking = "tree_hash" if document.get("suite_hash") else "suite_hash"
        reason = in_line(str(document.get("fault") or "it was written by an older grader, or for nothing"))[:300]
        raise UsageError(f"{file} has no {lacking}, so nobody could say what was graded: {reason}.")
    student = student or str(document.get("tree", ""))
    try:
        text = signature.statement(
            document,
            student=student,
            suite_hash=str(document["suite_hash"]),
            submitted_at=submitted_at,
            graded_at=graded_at,
        )
        score, most = float(document["score"]), float(document["max_score"])
        return VerifiedGrade(folder, str(document["assignment"]), student, text, score, most)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} cannot be posted: {error}.") from None


def _time(text: str) -> str:
    try:
        found = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UsageError(
            f"--submitted-at has value {text!r}; expected ISO 8601 with the offset, such as 2026-03-01T23:10:00+01:00."
        )
    return found.isoformat()
