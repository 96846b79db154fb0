"""The grades of a class as a table: a row a tree, a column a problem; for spreadsheets and for scripts.

Every cell is quoted and rows end with CRLF (RFC 4180). The first character is no byte order mark: not every reader
expects one, and all that is not ASCII here are trees' names.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from grader.report.wording import in_line
from grader.score import Grade

# What begins a formula to a spreadsheet (OWASP, "CSV Injection"); the last four are = + - @ as wide as a CJK character.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_LONGEST = 300  # characters of a fault


def to_csv(grades: Sequence[Grade]) -> str:
    """The text of the table. A problem that was not run has an empty cell: it was neither won nor lost."""
    problems = list(dict.fromkeys(item.problem.name for grade in grades for item in grade.problems))
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    head = ["tree", "score", "max_score", *problems, "fault", "commit", "tree_hash", "seed", "selection"]
    writer.writerow([_inert(name) for name in head])
    for grade in grades:
        writer.writerow([_inert(cell) if isinstance(cell, str) else cell for cell in _row(grade, problems)])
    return out.getvalue()


def _row(grade: Grade, problems: Sequence[str]) -> list[str | float]:
    earned = {item.problem.name: item.score for item in grade.problems if item.max_score > 0}
    return [
        in_line(grade.tree),
        grade.score,
        grade.max_score,
        *(earned.get(name, "") for name in problems),
        in_line((grade.fault or "").partition("\n")[0])[:_LONGEST],
        grade.account.commit,
        grade.tree_hash,
        grade.seed,
        in_line(grade.selection),
    ]


def _inert(cell: str) -> str:
    """The text as text: an apostrophe in front is what spreadsheets themselves write before a formula that is none."""
    return f"'{cell}" if cell.lstrip().startswith(FORMULA) else cell
