"""Changes of a file's lines, collected first and made at once, so that line numbers hold meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Edits:
    """Lines to be replaced and to be put in between."""

    _spans: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)  # after this line, up to that; new

    def replace(self, after: int, before: int, lines: Sequence[str]) -> None:
        """Put these in place of the lines between two others, 1-based, which stay: those of two markers, say."""
        self._spans.append((after, before - 1, tuple(lines)))

    def insert(self, after: int, lines: Sequence[str]) -> None:
        """Put these behind a line; 0 for the file's beginning."""
        self._spans.append((after, after, tuple(lines)))

    def make(self, lines: Sequence[str]) -> list[str]:
        """The lines with all changes."""
        changed = list(lines)
        for first, last, new in sorted(self._spans, key=lambda span: (span[0], span[1]), reverse=True):
            changed[first:last] = new
        return changed
