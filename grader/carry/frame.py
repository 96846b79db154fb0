"""Files whose given code is the same in OLD and in the target: then region goes to region as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from grader.carry.marks import Marked
from grader.derive import Region
from grader.derive.written import is_written

_Spans = Sequence[tuple[int, int]]  # the lines of the two markers


def same(old: Sequence[str], marks: Sequence[Marked], new: Sequence[str], regions: Sequence[Region]) -> bool:
    """Whether both have as many regions, and the same lines outside of them."""
    if len(marks) != len(regions):
        return False
    old_spans = [(mark.first, mark.last) for mark in marks]
    new_spans = [(region.first, region.last) for region in regions]
    return _outside(old, old_spans) == _outside(new, new_spans)


def as_in_old(region: Region, old: Sequence[str], mark: Marked) -> Region:
    """The region with the lines that it has in OLD."""
    return replace(region, lines=tuple(old[mark.first : mark.last - 1]))


def is_work(region: Region) -> bool:
    """Whether a region of any edition holds a student's work: neither nothing nor one of their stubs."""
    if not is_written(region):
        return False
    said = [line.strip() for line in region.lines if line.strip()]
    code = [line for line in said if not line.startswith(("#", "//"))]
    return bool(code) and not all(
        line.startswith(("raise NotImplementedError", "throw NotImplemented", "assert(false", "assert (false"))
        or line in ("pass", "...")
        for line in code
    )


def _outside(lines: Sequence[str], spans: _Spans) -> list[str]:
    found: list[str] = []
    at = 0
    for first, last in spans:
        found += [line.rstrip() for line in lines[at : first - 1]]
        found.append("\0")  # a region stands here
        at = last
    return found + [line.rstrip() for line in lines[at:]]
