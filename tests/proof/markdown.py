"""Markdown's tables and code, for docs/proof.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown already."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([*lines, ""])


def code(text: str) -> str:
    """Text as code in a table's cell, whatever is in it."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{line(text)}{fence}" if text else ""


def line(text: str) -> str:
    """Text as one line, cut where it is long."""
    return " ".join(text.split())[:200]


def share(value: float) -> str:
    """An error as a share of what is allowed."""
    return "beyond measure" if math.isinf(value) else f"{value:.3g}"
