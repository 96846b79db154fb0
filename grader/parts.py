"""The parts of an assignment's text, and which solution regions of a tree belong to which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from grader.assignment import Assignment, Part
from grader.derive import MarkerError, Region, find_regions
from grader.derive.syntax import decode
from grader.derive.written import is_written


@dataclass(frozen=True)
class Task:
    """One region that a student writes."""

    region: Region
    written: bool  # whether it holds more than its stub
    extra: bool  # whether it earns nothing by itself, or not on every machine

    @property
    def name(self) -> str:
        """What it is called in a list: "conv.py:120 Conv.forward"."""
        return f"{self.region.path}:{self.region.first}  {self.region.name}".rstrip()


@dataclass(frozen=True)
class Outline:
    """A tree's tasks, by part."""

    tasks: dict[str, tuple[Task, ...]]  # by the part's title, in the order of the files
    unreadable: tuple[str, ...]  # `file:line: sentence` of files whose regions cannot be told


def outline(assignment: Assignment, tree: Path) -> Outline:
    """The tasks of the tree. Regions outside of functions are places for helpers, which not everybody needs."""
    found: dict[str, list[Task]] = {part.title: [] for part in assignment.parts}
    unreadable: list[str] = []
    for path in dict.fromkeys(_file(task) for part in assignment.parts for task in (*part.tasks, *part.extra)):
        if not (tree / path).is_file():
            unreadable.append(f"{path}: is not there; take it from the handout again")
            continue
        try:
            regions = find_regions(decode((tree / path).read_bytes()), path)
        except MarkerError as error:
            unreadable.extend(str(violation) for violation in error.violations)
            continue
        for region in regions:
            place = part_of(assignment.parts, region)
            if place is not None and region.in_function:
                part, extra = place
                found[part.title].append(Task(region, is_written(region), extra))
    return Outline({title: tuple(tasks) for title, tasks in found.items()}, tuple(unreadable))


def part_of(parts: Sequence[Part], region: Region) -> tuple[Part, bool] | None:
    """The part that the region belongs to, and whether as an extra. FILE:NAME goes before FILE."""
    named = list(_matching(parts, region, named=True)) or list(_matching(parts, region, named=False))
    return named[0] if named else None


def _matching(parts: Sequence[Part], region: Region, *, named: bool) -> Iterator[tuple[Part, bool]]:
    for part in parts:
        for task in (*part.tasks, *part.extra):
            path, colon, name = task.partition(":")
            if path == region.path and bool(colon) == named and (not named or fnmatchcase(region.name, name)):
                yield part, task in part.extra


def _file(task: str) -> str:
    return task.partition(":")[0]
