"""How far a student is: tasks written, points of the last grading, and what to do next. Nothing is run for it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.assignment import Assignment, Part
from grader.errors import UsageError
from grader.intake import report_names, stage
from grader.parts import Outline, Task, outline
from grader.report.document import SCHEMA


@dataclass(frozen=True)
class LastGrade:
    """What the last grading found, as its grade.json tells it."""

    points: Mapping[str, float]  # by problem; only those that were graded
    lost: Mapping[str, int]  # by problem: cases that failed, or met an error
    first: Mapping[str, str]  # by problem: the first such case's id
    seed: int
    fault: str  # why the tree could not be graded at all; "" where it could
    stale: bool  # whether the tree has changed since
    file: Path  # which grade.json


@dataclass(frozen=True)
class PartStatus:
    """One part."""

    number: int  # from 1
    part: Part
    tasks: tuple[Task, ...]  # without the extra ones
    extra: tuple[Task, ...]
    points: float | None  # earned at the last grading; None where not all of its problems were graded
    max_points: float

    @property
    def written(self) -> int:
        """How many tasks are written."""
        return sum(task.written for task in self.tasks)

    @property
    def done(self) -> bool:
        """Whether there is nothing to do: all points earned, whatever else is left unwritten."""
        return self.points == self.max_points


@dataclass(frozen=True)
class Status:
    """All parts."""

    tree: Path
    parts: tuple[PartStatus, ...]
    last: LastGrade | None
    unreadable: tuple[str, ...]  # `file:line: sentence` of files whose tasks cannot be told

    @property
    def next(self) -> PartStatus | None:
        """The first part with something left to do; None where all points are earned."""
        return next((part for part in self.parts if not part.done), None)


def look(assignment: Assignment, tree: Path, out: Path) -> Status:
    """The tree's status by its text, and by the reports that `grade` left in `out`.

    Raises UsageError where the assignment has no parts, or the tree is no folder.
    """
    if not assignment.parts:
        raise UsageError(f"{assignment.suite / 'assignment.toml'} has no [[part]]; `status` has nothing to count by.")
    if not tree.is_dir():
        raise UsageError(f"{tree} is not a folder; expected a tree of {assignment.name}.")
    found = outline(assignment, tree)
    last = _last_grade(assignment, tree, out)
    parts = [_part(assignment, number, part, found, last) for number, part in enumerate(assignment.parts, start=1)]
    return Status(tree, tuple(parts), last, found.unreadable)


def _part(assignment: Assignment, number: int, part: Part, found: Outline, last: LastGrade | None) -> PartStatus:
    tasks = found.tasks[part.title]
    points = [last.points.get(name) for name in part.problems] if last else [None]
    known = [value for value in points if value is not None]
    return PartStatus(
        number,
        part,
        tuple(task for task in tasks if not task.extra),
        tuple(task for task in tasks if task.extra),
        sum(known) if len(known) == len(points) else None,
        sum(assignment.problem(name).points for name in part.problems),
    )


def _last_grade(assignment: Assignment, tree: Path, out: Path) -> LastGrade | None:
    file = out / report_names([tree])[0] / "grade.json"
    try:
        document: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # never graded; or cut off while it was written, which is the same to a student
        return None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA or document["assignment"] != assignment.name:
        return None
    lost = [case for case in document["cases"] if case["verdict"] in ("fail", "error")]
    first: dict[str, str] = {}
    for case in lost:
        first.setdefault(case["problem"], case["id"])
    return LastGrade(
        {name: item["score"] for name, item in document["problems"].items() if item["cases"]},
        {name: _count(lost, name) for name in document["problems"]},
        first,
        document["seed"],
        document["fault"] or "",
        _identity(assignment, tree) != document["tree_hash"],
        file,
    )


def _count(cases: Sequence[Mapping[str, Any]], problem: str) -> int:
    return sum(case["problem"] == problem for case in cases)


def _identity(assignment: Assignment, tree: Path) -> str:
    with tempfile.TemporaryDirectory(prefix="grader-status-") as folder:
        return stage(tree, assignment, Path(folder) / "tree").identity
