"""Merge three versions of a text by lines: as it was handed out, as the student has it, as the new release has it.

The lines that all three have in common hold the text together; between two of them, a stretch that only one side has
changed is taken from that side, and one that both have changed differently is a conflict. (Khanna, Kunal, Pierce, "A
formal investigation of diff3", 2007.) Nothing that a student wrote is dropped: it is in the result or in a conflict.

Blanks at the end of a line count for nothing, since editors remove them unasked; so does the kind of line ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

# How a conflict is marked: as git does it, so that editors know the marks.
YOURS, OLD, BETWEEN, NEW = "<<<<<<< yours", "||||||| old release", "=======", ">>>>>>> new release"
MOST_LINES = 5_000  # of a text that is merged: matching takes time in the square of it


@dataclass(frozen=True)
class Agreed:
    """Lines of the result."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Conflict:
    """Lines that both sides have changed, each in its own way."""

    mine: tuple[str, ...]
    base: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True)
class Merged:
    """A merged text."""

    text: str
    conflicts: tuple[int, ...] = ()  # 1-based lines on which a conflict begins


def can_merge(*texts: str) -> bool:
    """Whether these are texts of lines, and not too many."""
    return all("\0" not in text and text.count("\n") <= MOST_LINES for text in texts)


def merge_text(base: str, mine: str, theirs: str) -> Merged:
    """Merge three texts; conflicts are marked in the result. Its line ends and byte order mark are `mine`'s."""
    return merge_with(base, mine, theirs, lambda *versions: render(merge_lines(*versions)))


def merge_with(base: str, mine: str, theirs: str, merge: Callable[[list[str], list[str], list[str]], Merged]) -> Merged:
    """`merge` on the lines of three texts, less their ends; what needs no merging is returned as it stands."""
    if mine == theirs or base == theirs:
        return Merged(mine)
    if mine == base:
        return Merged(theirs)
    merged = merge(lines_of(base), lines_of(mine), lines_of(theirs))
    text = merged.text.replace("\n", "\r\n") if 2 * mine.count("\r\n") > mine.count("\n") else merged.text
    return Merged(("\ufeff" if mine.startswith("\ufeff") else "") + text, merged.conflicts)


def lines_of(text: str) -> list[str]:
    """The lines without their ends; the last one is empty where the text ends with a line end."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")


def merge_lines(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> list[Agreed | Conflict]:
    """What becomes of the lines, in order."""
    result: list[Agreed | Conflict] = []
    b = m = t = 0
    for at_base, at_mine, at_theirs, size in _in_common(base, mine, theirs):
        result += _between(base[b:at_base], mine[m:at_mine], theirs[t:at_theirs])
        if size:
            result.append(Agreed(tuple(mine[at_mine : at_mine + size])))
        b, m, t = at_base + size, at_mine + size, at_theirs + size
    return result


def render(pieces: Sequence[Agreed | Conflict]) -> Merged:
    """The text, with marks around what is in conflict."""
    lines: list[str] = []
    conflicts = []
    for piece in pieces:
        if isinstance(piece, Agreed):
            lines += piece.lines
        else:
            conflicts.append(len(lines) + 1)
            lines += [YOURS, *piece.mine, OLD, *piece.base, BETWEEN, *piece.theirs, NEW]
    return Merged("\n".join(lines), tuple(conflicts))


def unresolved(text: str) -> int | None:
    """The line of a conflict that an earlier merge has left in the text; None where there is none."""
    return next((number for number, line in enumerate(lines_of(text), start=1) if line.rstrip() == YOURS), None)


def same(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether lines say the same."""
    return _keys(some) == _keys(others)


def _keys(lines: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in lines]


def _between(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> Iterator[Agreed | Conflict]:
    """Of a stretch between two lines that all three have in common."""
    if same(mine, theirs) or same(theirs, base):
        chosen = mine
    elif same(mine, base):
        chosen = theirs
    else:
        yield Conflict(tuple(mine), tuple(base), tuple(theirs))
        return
    if chosen:
        yield Agreed(tuple(chosen))


def _in_common(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """The runs of lines that all three have: where in each, and how many; an empty one at the end of all."""
    ours, new = _matches(base, mine), _matches(base, theirs)
    i = k = 0
    while i < len(ours) and k < len(new):
        (at_base, at_mine, size), (at_new_base, at_theirs, new_size) = ours[i], new[k]
        start, end = max(at_base, at_new_base), min(at_base + size, at_new_base + new_size)
        if start < end:
            yield start, at_mine + start - at_base, at_theirs + start - at_new_base, end - start
        if at_base + size < at_new_base + new_size:
            i += 1
        else:
            k += 1
    yield len(base), len(mine), len(theirs), 0


def _matches(base: Sequence[str], other: Sequence[str]) -> list[tuple[int, int, int]]:
    matcher = SequenceMatcher(None, _keys(base), _keys(other), autojunk=False)
    return [(match.a, match.b, match.size) for match in matcher.get_matching_blocks()]
