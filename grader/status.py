"""How far a student is: tasks written, points of the last grading, and what to do next. Nothing is run for it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Assignment, Part
from grader.errors import UsageError
from grader.intake import report_names, stage
from grader.parts import Outline, Task, outline
from grader.standing import FILE, Earned, Standing, recall


@dataclass(frozen=True)
class PartStatus:
    """One part."""

    number: int  # from 1
    part: Part
    tasks: tuple[Task, ...]  # without the extra ones
    extra: tuple[Task, ...]
    earned: tuple[Earned | None, ...]  # what the last grading of each problem found; None: never graded
    max_points: float
    stale: bool  # whether the tree has changed since one of them was graded

    @property
    def written(self) -> int:
        """How many tasks are written."""
        return sum(task.written for task in self.tasks)

    @property
    def points(self) -> float | None:
        """Earned at the last grading; None where not all of its problems were graded."""
        known = [found.score for found in self.earned if found is not None]
        return sum(known) if len(known) == len(self.earned) else None

    @property
    def lost(self) -> tuple[str, Earned] | None:
        """The first problem that has lost cases; None where none has."""
        named = zip(self.part.problems, self.earned, strict=True)
        return next(((name, found) for name, found in named if found is not None and found.lost), None)

    @property
    def done(self) -> bool:
        """Whether there is nothing to do: all points earned, whatever else is left unwritten."""
        return self.points == self.max_points


@dataclass(frozen=True)
class Status:
    """All parts."""

    tree: Path
    parts: tuple[PartStatus, ...]
    file: Path  # where the points are kept
    fault: str  # why the tree as it is could not be graded, the last time; "" where it was not tried, or could
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
    folder = out / report_names([tree])[0]
    standing = recall(assignment, folder)
    now = _identity(assignment, tree)
    parts = [
        _part(assignment, number, part, found, standing, now) for number, part in enumerate(assignment.parts, start=1)
    ]
    fault = standing.fault if standing.fault_hash == now else ""
    return Status(tree, tuple(parts), folder / FILE, fault, found.unreadable)


def _part(assignment: Assignment, number: int, part: Part, found: Outline, standing: Standing, now: str) -> PartStatus:
    tasks = found.tasks[part.title]
    earned = tuple(standing.problems.get(name) for name in part.problems)
    return PartStatus(
        number,
        part,
        tuple(task for task in tasks if not task.extra),
        tuple(task for task in tasks if task.extra),
        earned,
        sum(assignment.problem(name).points for name in part.problems),
        any(known is not None and known.tree_hash != now for known in earned),
    )


def _identity(assignment: Assignment, tree: Path) -> str:
    with tempfile.TemporaryDirectory(prefix="grader-status-") as folder:
        return stage(tree, assignment, Path(folder) / "tree").identity
