"""Regions of a Python file that are taken over line by line, because OLD has the very same places for them.

All of them, where OLD has the file with the same given code. Else those outside of functions, where OLD has as many of
them in the same class or module.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from grader.carry.edits import Edits
from grader.carry.frame import as_in_old, is_work
from grader.carry.frame import same as same_frame
from grader.carry.marks import Marked
from grader.carry.outcome import HAS_WORK, Fate, Item
from grader.carry.python.file import FUNCTION, PythonFile, Unreadable
from grader.derive import MarkerError, Region, find_regions
from grader.derive.written import is_written


@dataclass(frozen=True)
class Taken:
    """A file with what was taken over."""

    file: PythonFile
    regions: tuple[Region, ...]
    items: dict[int, Item]  # by the region's place among `regions`: those that are settled
    pieces: dict[int, tuple[ast.stmt, ...]]  # taken statements that may need something from around them in OLD
    whole: tuple[int, ...] = ()  # regions of a file that is the same around them: these need no more than they import


def take(file: PythonFile, regions: Sequence[Region], old: PythonFile | None, force: bool) -> Taken:
    """Take over what can be. The file stays as it is where that would not be Python."""
    nothing = Taken(file, tuple(regions), {}, {})
    if old is None:
        return nothing
    framed = same_frame(old.lines, old.marked, file.lines, regions) and not any(
        _is_torn(region, old, mark, force) for region, mark in zip(regions, old.marked, strict=True)
    )
    pairs = list(enumerate(old.marked)) if framed else _same_places(file, regions, old)
    edits = Edits()
    items: dict[int, Item] = {}
    pieces: dict[int, tuple[ast.stmt, ...]] = {}
    whole: list[int] = []
    for number, mark in pairs:
        region = regions[number]
        item = items[number] = _item(region, old, mark, force)
        if item.fate is Fate.CARRIED:
            edits.replace(region.first, region.last, old.lines[mark.first : mark.last - 1])
            if framed:
                whole.append(number)
            else:
                pieces[number] = tuple(outermost(old, mark))
    try:
        made = PythonFile.read(file.path, "\n".join(edits.make(file.lines)))
        found = find_regions(made.text, file.path)
    except (Unreadable, MarkerError):
        return nothing
    return Taken(made, tuple(found), items, pieces, tuple(whole))


def _is_torn(region: Region, old: PythonFile, mark: Marked, force: bool) -> bool:
    """Whether helpers of OLD cannot go where they were: then what needs them has to be looked at one by one."""
    return not region.in_function and _item(region, old, mark, force).why == HAS_WORK


def _item(region: Region, old: PythonFile, mark: Marked, force: bool) -> Item:
    source = f"{old.path}:{mark.first}"
    theirs = as_in_old(region, old.lines, mark)
    has_work = is_written(region)
    if mark.first in old.broken and not has_work:
        return Item(region, Fate.UNPLACED, source, f"OLD's {old.broken[mark.first]}; mend it there and carry again")
    if not is_work(theirs):
        why = "is not written in OLD" + ("; your work here stays" if has_work else "")
        return Item(region, Fate.KEPT if has_work else Fate.UNWRITTEN, source, why)
    if [line.rstrip() for line in theirs.lines] == [line.rstrip() for line in region.lines]:
        return Item(region, Fate.KEPT, source, "is the same in OLD")
    if has_work and not force:
        return Item(region, Fate.KEPT, source, HAS_WORK)
    return Item(region, Fate.CARRIED, source)


def _same_places(file: PythonFile, regions: Sequence[Region], old: PythonFile) -> list[tuple[int, Marked]]:
    mine: dict[str, list[int]] = {}
    for number, region in enumerate(regions):
        if not region.in_function:
            mine.setdefault(region.name, []).append(number)
    theirs: dict[str, list[Marked]] = {}
    for mark in old.marked:
        theirs.setdefault(_scope(old, mark), []).append(mark)
    return [
        pair
        for name, numbers in mine.items()
        if len(numbers) == len(theirs.get(name, []))
        for pair in zip(numbers, theirs[name], strict=True)
    ]


def _scope(file: PythonFile, mark: Marked) -> str:
    """The class that marked lines are in, "" for the module; "()" inside of a function."""
    line = file.lines[mark.first - 1]
    indent = len(line) - len(line.lstrip())
    name = ""
    for qualified, node in file.definitions.items():
        if node.lineno < mark.first <= (node.end_lineno or 0) + 1 and indent > node.col_offset:
            if isinstance(node, FUNCTION):
                return "()"
            name = qualified
    return name


def outermost(old: PythonFile, mark: Marked) -> list[ast.stmt]:
    """The statements between two markers that are in no other one of these."""
    found: list[ast.stmt] = []
    for node in ast.walk(old.tree):  # outer ones come first
        if not isinstance(node, ast.stmt) or not mark.holds(node.lineno):
            continue
        if not any(item.lineno <= node.lineno <= (item.end_lineno or 0) for item in found):
            found.append(node)
    return sorted(found, key=lambda node: node.lineno)
