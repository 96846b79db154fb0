"""Solution markers as students leave them: some deleted, some doubled, in any spelling.

Where a marker decides what students are given, `grader.derive.markers` refuses whatever is not exact. Here it only
tells a student's lines from given ones, so what cannot be paired is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MARK = re.compile(r"^[ \t]*(?:#{2,}|/{2,})[ \t]*(?P<end>BEGIN|END)[ \t]+(?:YOUR[ \t]+)?SOLUTION\b", re.IGNORECASE)


@dataclass(frozen=True)
class Marked:
    """The lines between two markers."""

    first: int  # 1-based line of the BEGIN marker
    last: int  # 1-based line of the END marker

    def holds(self, line: int) -> bool:
        """Whether a line is between the markers."""
        return self.first < line < self.last


def is_mark(line: str) -> bool:
    """Whether a line is a marker, and no code."""
    return _MARK.match(line) is not None


def pairs(lines: Sequence[str]) -> list[Marked]:
    """Each BEGIN with the END after it, unless another BEGIN comes first."""
    found = []
    begin = 0
    for number, line in enumerate(lines, start=1):
        match = _MARK.match(line)
        if match is None:
            continue
        if match["end"].upper() == "BEGIN":
            begin = number
        elif begin:
            found.append(Marked(begin, number))
            begin = 0
    return found
