"""Merge three versions of a source file that has solution regions.

What stands between the regions is merged by lines. What stands in them is the student's: it wins over any stub, and
goes by the name of the function that the region is in. So a stub that is worded otherwise is no conflict, and a region
that moves with its function is found again. Work whose region the new release no longer has is kept at the end of the
file, commented out and announced.

Regions are found by their marker lines and named by indentation and words alone: a file in the middle of being written
need not be valid Python or C++.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.carry.marks import pairs
from grader.carry.upgrade import merge
from grader.carry.upgrade.merge import Agreed, Conflict, Merged

_PYTHON = (".py", ".pyi")
_DEFINITION = re.compile(r"(?P<indent>[ \t]*)(?:async +)?(?:def|class) +(?P<name>\w+)")
_CPP_NAME = re.compile(r"(?P<name>~?\w+)\s*\(")
_NOT_CODE = re.compile(r"\s*(?:$|//|/\*|\*|#|\}|namespace\b|template\b)")
_PLACE = re.compile("\0(?P<key>.*)\0")  # the line that stands for the contents of a region; no source has a NUL


@dataclass(frozen=True)
class Source:
    """A merged source file."""

    merged: Merged
    left: tuple[str, ...]  # names of the student's regions that the new release no longer has; kept at the end


@dataclass(frozen=True)
class _Split:
    """A text, taken apart."""

    skeleton: list[str]  # its lines, with one line in the place of each region's contents
    contents: Mapping[str, list[str]]  # key of a region -> the lines between its markers


def merge_source(base: str, mine: str, theirs: str, path: str, release: str) -> Source:
    """Merge three versions of the file at `path`; `release` names the new one where work is kept at the end."""
    left: list[str] = []

    def merge_split(*versions: list[str]) -> Merged:
        result, dropped = _merge([_split(lines, path) for lines in versions])
        left.extend(dropped)
        if not dropped:
            return result
        mine = _split(versions[1], path).contents
        kept = [line for key in dropped for line in _kept(key, mine[key], path, release)]
        text = result.text if result.text.endswith("\n") else f"{result.text}\n"
        return Merged(text + "\n".join([*kept, ""]), result.conflicts)

    merged = merge.merge_with(base, mine, theirs, merge_split)
    return Source(merged, tuple(left))


def _merge(versions: Sequence[_Split]) -> tuple[Merged, list[str]]:
    """The merged text, and the keys of the student's regions that have no place in it."""
    base, mine, theirs = versions
    placed: set[str] = set()

    def filled(lines: Sequence[str], contents: Mapping[str, list[str]] | None) -> tuple[str, ...]:
        """The lines with the contents of their regions: those of one version, or whichever is to be taken."""
        result: list[str] = []
        for line in lines:
            match = _PLACE.fullmatch(line)
            if match is None:
                result.append(line)
                continue
            chosen = _chosen(match["key"], versions) if contents is None else contents.get(match["key"], [])
            if chosen is mine.contents.get(match["key"]):
                placed.add(match["key"])
            result += chosen
        return tuple(result)

    pieces: list[Agreed | Conflict] = []
    for piece in merge.merge_lines(base.skeleton, mine.skeleton, theirs.skeleton):
        if isinstance(piece, Agreed):
            pieces.append(Agreed(filled(piece.lines, None)))
        else:
            sides = ((piece.mine, mine), (piece.base, base), (piece.theirs, theirs))
            pieces.append(Conflict(*(filled(lines, side.contents) for lines, side in sides)))
    own = [key for key, lines in mine.contents.items() if not merge.same(lines, base.contents.get(key, []))]
    return merge.render(pieces), [key for key in own if key not in placed and any(map(str.strip, mine.contents[key]))]


def _chosen(key: str, versions: Sequence[_Split]) -> list[str]:
    """The contents of a region: the student's, unless these are what was handed out."""
    base, mine, theirs = (version.contents.get(key) for version in versions)
    if mine is not None and (theirs is None or base is None or not merge.same(mine, base)):
        return mine
    return theirs if theirs is not None else base or []


def _split(lines: Sequence[str], path: str) -> _Split:
    skeleton: list[str] = []
    contents: dict[str, list[str]] = {}
    counts = Counter[str]()
    end = 0
    for region in pairs(lines):
        skeleton += lines[end : region.first]
        name = _name(skeleton, path)
        counts[name] += 1
        key = name if counts[name] == 1 else f"{name} ({counts[name]})"
        contents[key] = list(lines[region.first : region.last - 1])
        skeleton.append(f"\0{key}\0")
        end = region.last - 1
    return _Split([*skeleton, *lines[end:]], contents)


def _name(skeleton: Sequence[str], path: str) -> str:
    """What the region is called that begins with the skeleton's last line: "Conv.forward", "Compact", "after ReLU"."""
    *above, marker = skeleton
    indent = _indent(marker)
    if PurePosixPath(path).suffix in _PYTHON:
        name: list[str] = []
        for line in reversed(above):
            match = _DEFINITION.match(line)
            if match is not None and _indent(line) < indent:
                name.insert(0, match["name"])
                indent = _indent(line)
        if name:
            return ".".join(name)
        return next((f"after {match['name']}" for line in reversed(above) if (match := _DEFINITION.match(line))), "top")
    for line in reversed(above):
        match = None if _indent(line) or _NOT_CODE.match(line) else _CPP_NAME.search(line)
        if match is not None:
            return match["name"] if indent else f"after {match['name']}"
    return "top"


def _indent(line: str) -> int:
    return len(line.expandtabs()) - len(line.expandtabs().lstrip())


def _kept(key: str, lines: Sequence[str], path: str, release: str) -> list[str]:
    """Work that has no place any more, as comments: it can be read, found and moved, and does nothing."""
    sign = "#" if PurePosixPath(path).suffix in _PYTHON else "//"
    why = f"release {release} has no such place. Move what you need, and delete this."
    return [
        "",
        f"{sign} ---- yours, from {key}: {why} ----",
        *(f"{sign} {line}".rstrip() for line in lines),
        f"{sign} ---- end of what was in {key} ----",
    ]
