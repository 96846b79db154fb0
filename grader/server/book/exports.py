"""The gradebook as CSV, for Canvas and for everybody else. Pure: no database, no clock.

Both quote as RFC 4180 does and end lines with CRLF. A cell that a spreadsheet would run (it begins with = + - @, a tab
or a carriage return) gets an apostrophe in front; a number that we computed is no such cell.

canvas.csv carries no byte order mark: Canvas looks for a first column named "Student", and other readers of that format
would find "\\ufeffStudent". plain.csv is for people, and Excel takes UTF-8 for something else without the mark: whoever
reads it in a program uses the encoding utf-8-sig.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from grader.server.book.gradebook import Gradebook, Row

FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - Excel takes the wide ones too


def canvas(book: Gradebook, *, zeros: bool) -> str:
    """Canvas's gradebook columns, with the assignment's total as its points.

    A student of whom nothing counts has an empty cell, which Canvas shows as not graded; with `zeros` they get 0.
    """
    assignment = book.assignment
    head = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment.canvas_column or assignment.name)
    possible = ("    Points Possible", "", "", "", "", _number(assignment.points))
    return _csv([head, possible, *(_canvas_row(row, zeros) for row in book.rows)])


def _canvas_row(row: Row, zeros: bool) -> Sequence[str | float]:
    person = row.person
    graded = zeros or any(cell.kind for cell in row.cells.values())
    total = _number(row.total) if graded else ""
    return person.name, person.canvas_id, person.sis_id, person.login, person.section, total


def plain(book: Gradebook) -> str:
    """Everything that the gradebook shows: for each problem its points, their kind, late days and penalty."""
    problems = [problem.name for problem in book.assignment.problems]
    head = ["login", "name", "section"]
    for name in problems:
        head += [name, f"{name} kind", f"{name} late days", f"{name} penalty"]
    head += ["total", "points possible", "late days spent", "extended until"]
    return _csv([head, *(_plain_row(row, problems, book.assignment.points) for row in book.rows)])


def _plain_row(row: Row, problems: Iterable[str], most: float) -> Sequence[str | float]:
    cells: list[str | float] = [row.person.login, row.person.name, row.person.section]
    for name in problems:
        cell = row.cells[name]
        cells += [_number(cell.points), cell.kind, cell.late_days, _number(cell.penalty)] if cell.kind else [""] * 4
    until = row.extended_until.isoformat(timespec="minutes") if row.extended_until else ""
    return [*cells, _number(row.total), _number(most), row.late_days_spent, until]


def keys(rows: Iterable[tuple[str, str, str]]) -> str:
    """New keys: login, name, key."""
    return _csv([("login", "name", "key"), *rows])


def _number(value: float) -> float:
    """Hundredths of a point: 20/3 is 6.67 on the page, and the same in the file."""
    rounded = round(value, 2)
    return int(rounded) if rounded.is_integer() else rounded


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _csv(rows: Iterable[Sequence[str | float]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([_inert(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()
