"""Merge three versions of a notebook, cell by cell.

Cells are known by their ids, which a release gives them and Jupyter keeps; where an editor has not kept them, by what
they say. A cell that both sides have changed is merged as a source file is; where that cannot be done, both cells
stand there, yours first, under a cell that says so. Outputs are kept where the cell says what it said when it was run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grader.carry.upgrade.merge_regions import merge_source

_AS_SOURCE = "cell.py"  # a cell's code has Python's markers
_CONFLICT = "-conflict"  # the end of the key of a cell that announces one
_NOTICE = "**Conflict** with release"  # and the beginning of its text
_NO_ID = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Notebook:
    """A merged notebook."""

    text: str
    conflicts: tuple[int, ...] = ()  # 1-based numbers of the cells that announce a conflict
    notes: tuple[str, ...] = ()  # what a student should know of cells that went or stayed


@dataclass(frozen=True)
class _Cell:
    """A cell, under the key that it has in all three versions."""

    key: str
    data: dict[str, Any]  # as the file has it

    @property
    def source(self) -> str:
        """Its text; the format allows a list of lines as well."""
        source = self.data.get("source", "")
        return source if isinstance(source, str) else "".join(map(str, source))

    def says(self, source: str) -> _Cell:
        """The cell with another text, and without what came of running the one it had."""
        if source == self.source:
            return self
        data = {**self.data, "source": source.splitlines(keepends=True)}
        return _Cell(self.key, _not_run(data))


def read(text: str) -> dict[str, Any] | None:
    """A notebook's JSON; None where the text is no notebook."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        return None
    return {**document}


def merge_notebook(base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any], release: str) -> Notebook:
    """Merge notebooks as `read` gives them; `release` names the new one. The result is laid out as Jupyter does it."""
    old = _known([], base["cells"], "old")
    new = _known(old, theirs["cells"], "new")
    yours = _known(old, mine["cells"], "yours")
    cells, notes = _merge(old, yours, new, release)
    conflicts = tuple(number for number, cell in enumerate(cells, start=1) if cell.key.endswith(_CONFLICT))
    document = {**mine, "cells": _with_ids(cells)}
    document["nbformat"], document["nbformat_minor"] = 4, max(5, _minor(mine), _minor(theirs))
    return Notebook(json.dumps(document, indent=1, ensure_ascii=False) + "\n", conflicts, tuple(notes))


def _merge(
    old: Sequence[_Cell], yours: Sequence[_Cell], new: Sequence[_Cell], release: str
) -> tuple[list[_Cell], list[str]]:
    """The cells of the result, and what a student should know of some."""
    base, mine, theirs = ({cell.key: cell for cell in cells} for cells in (old, yours, new))
    same_order = list(base) == list(theirs)  # then the student's order stands: cells may have been moved
    result: list[_Cell] = []
    notes: list[str] = []
    for key in _woven(list(mine), list(theirs)) if same_order else _woven(list(theirs), list(mine)):
        was, own, given = base.get(key), mine.get(key), theirs.get(key)
        if own is not None and given is not None:
            result += _merge_cell(was, own, given, release, notes)
        elif own is not None and (was is None or was.source != own.source):
            result.append(own)
            if was is not None:
                notes.append(f"the cell {_quoted(own)} is no longer in the notebook; you had changed it, so it stays")
        elif given is not None and (was is None or was.source != given.source):
            result.append(given)
            if was is not None:
                notes.append(f"the cell {_quoted(given)}, which you had deleted, has changed and is there again")
    return result, notes


def _woven(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """The keys in the order of the first, each that only the second has behind the one that it stands behind there."""
    result = list(first)
    place = 0
    for key in second:
        if key not in result:
            result.insert(place, key)
        place = result.index(key) + 1
    return result


def _merge_cell(base: _Cell | None, mine: _Cell, theirs: _Cell, release: str, notes: list[str]) -> list[_Cell]:
    before = base.source if base is not None else ""
    if mine.data.get("cell_type") != theirs.data.get("cell_type"):
        merged, clean = mine.source, theirs.source == before
    else:
        source = merge_source(before, mine.source, theirs.source, _AS_SOURCE, release)
        merged, clean = source.merged.text, not source.merged.conflicts
        notes += [f"{name}: its region is gone; what you had in it is at the end of its cell" for name in source.left]
    if not clean:
        said = (
            f"{_NOTICE} {release} of the handout: you and the new release have both changed what "
            "follows. First comes your cell, then the new one. Keep what you need, and delete the rest and this cell."
        )
        notice = {"cell_type": "markdown", "metadata": {}, "source": [said]}
        return [_Cell(f"{mine.key}{_CONFLICT}", notice), mine, replace(theirs, key=f"{theirs.key}-new")]
    known = base.data.get("metadata", {}) if base is not None else {}
    own = {name: value for name, value in mine.data.get("metadata", {}).items() if known.get(name) != value}
    said_now = mine.says(merged)
    return [_Cell(mine.key, {**said_now.data, "metadata": {**theirs.data.get("metadata", {}), **own}})]


def _known(old: Sequence[_Cell], cells: Sequence[dict[str, Any]], version: str) -> list[_Cell]:
    """Cells of another version, under the keys of the old one's: by id, then by text."""
    keys = {cell.key for cell in old}
    taken = {_id(cell) for cell in cells}
    by_text: dict[str, list[str]] = {}
    for cell in old:
        if cell.key not in taken:
            by_text.setdefault(cell.source, []).append(cell.key)
    found: dict[str, _Cell] = {}
    for number, data in enumerate(cells):
        key = _id(data)
        if key is None or key in found:
            key = f"{version}:{number}"
        if key not in keys and (alike := by_text.get(_Cell(key, data).source)):
            key = alike.pop(0)
        found[key] = _Cell(key, data)
    return list(found.values())


def _id(cell: Mapping[str, Any]) -> str | None:
    key = cell.get("id")
    return key if isinstance(key, str) else None


def _with_ids(cells: Sequence[_Cell]) -> list[dict[str, Any]]:
    """The cells with an id each, as nbformat 4.5 asks: their key, made fit and different where need be."""
    result = []
    used: set[str] = set()
    for cell in cells:
        wanted = _NO_ID.sub("-", cell.key)
        name, count = wanted[-64:], 1
        while name in used:
            count += 1
            name = f"{wanted[:56]}-{count}"
        used.add(name)
        rest = {key: value for key, value in cell.data.items() if key not in ("cell_type", "id")}
        result.append({"cell_type": cell.data.get("cell_type"), "id": name, **rest})
    return result


def _not_run(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "outputs": [], "execution_count": None} if data.get("cell_type") == "code" else data


def unresolved(document: dict[str, Any]) -> int | None:
    """The number of a cell that still announces a conflict of an earlier merge; None where there is none."""
    cells = (_Cell("", cell).source for cell in document["cells"])
    return next((number for number, source in enumerate(cells, start=1) if source.startswith(_NOTICE)), None)


def _minor(document: Mapping[str, Any]) -> int:
    minor = document.get("nbformat_minor")
    return minor if isinstance(minor, int) else 0


def _quoted(cell: _Cell) -> str:
    lines = [line.strip() for line in cell.source.splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return f"“{text if len(text) <= 60 else text[:57] + '...'}”"
