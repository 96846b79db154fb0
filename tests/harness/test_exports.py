"""grader.server.book.exports: the gradebook as CSV that Canvas and spreadsheets read, and nothing runs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import NOW

from grader.server.book import exports
from grader.server.book.gradebook import AssignmentInfo, Cell, Gradebook, Person, ProblemInfo, Row
from grader.server.book.policy import Policy
from grader.server.store.models import Role

PERSON = Person(1, "mwu", "Wu, Mei", Role.STUDENT, "mwu@example.org", "A", "9001", "700001", True)
NOTHING = Cell(0.0, 10.0, "", 0, 0, 0.0, None, None, None)
SOME = Cell(6.6666667, 10.0, "self-reported", 2, 1, 0.5, 4, 7.1666667, None)
PROBLEMS = tuple(ProblemInfo(i, name, name, 10.0, ("a", "b"), 1) for i, name in enumerate(("conv", "rnn")))
INFO = AssignmentInfo(1, "hw4", "needle", "hw4 (12345)", Policy(), PROBLEMS)
FULL = Row(PERSON, {"conv": SOME, "rnn": NOTHING}, 6.6666667, 1, NOW)
EMPTY = Row(replace(PERSON, login="idle", name="Idle"), {"conv": NOTHING, "rnn": NOTHING}, 0.0, 0, None)
BOOK = Gradebook(INFO, (FULL, EMPTY))


def read(text: str) -> list[list[str]]:
    """The rows, as any reader of CSV finds them."""
    return list(csv.reader(io.StringIO(text, newline="")))


def test_canvas_columns() -> None:
    """Exactly Canvas's columns, its second row, and a total for each student."""
    assert read(exports.canvas(BOOK, zeros=False)) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "hw4 (12345)"],
        ["    Points Possible", "", "", "", "", "20"],
        ["Wu, Mei", "9001", "700001", "mwu", "A", "6.67"],
        ["Idle", "9001", "700001", "idle", "A", ""],
    ]


def test_canvas_with_zeros() -> None:
    """Of whom nothing counts gets 0 where that is asked for."""
    assert read(exports.canvas(BOOK, zeros=True))[-1][-1] == "0"


def test_canvas_names_the_column_itself() -> None:
    """Without a column of Canvas's the assignment's name is taken; Canvas then makes a new one."""
    book = replace(BOOK, assignment=replace(INFO, canvas_column=""))
    assert read(exports.canvas(book, zeros=False))[0][-1] == "hw4"


def test_plain_columns() -> None:
    """Points, kind, late days and penalty of each problem; nothing where nothing counts."""
    head, full, empty = read(exports.plain(BOOK))
    assert dict(zip(head, full, strict=True)) == {
        "login": "mwu",
        "name": "Wu, Mei",
        "section": "A",
        "conv": "6.67",
        "conv kind": "self-reported",
        "conv late days": "1",
        "conv penalty": "0.5",
        "rnn": "",
        "rnn kind": "",
        "rnn late days": "",
        "rnn penalty": "",
        "total": "6.67",
        "points possible": "20",
        "late days spent": "1",
        "extended until": "2026-11-02T12:00+00:00",
    }
    assert empty[-4:] == ["0", "20", "0", ""]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://evil";"x")'])
def test_formulas_are_inert(name: str) -> None:
    """A cell that a spreadsheet would run begins with an apostrophe instead."""
    book = replace(BOOK, rows=(replace(FULL, person=replace(PERSON, name=name, section=name, sis_id=name)),))
    for text in (exports.canvas(book, zeros=False), exports.plain(book), exports.keys([(name, name, name)])):
        assert f"'{name}" in [cell for row in read(text) for cell in row]
        assert name not in [cell for row in read(text) for cell in row]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=3, max_size=3))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_whatever_a_cell_holds_the_rows_stay(texts: list[str]) -> None:
    """Quotes, commas, line breaks: each cell comes back as it was, but for the apostrophe; no cell is a formula."""
    name, section, login = texts
    person = replace(PERSON, name=name, section=section, login=login)
    rows = read(exports.canvas(replace(BOOK, rows=(replace(FULL, person=person),)), zeros=False))
    assert len(rows) == 3
    assert [cell.removeprefix("'") for cell in (rows[2][0], rows[2][4], rows[2][3])] == [
        text.removeprefix("'") for text in texts
    ]
    assert not any(cell.startswith(exports.FORMULA) for row in rows for cell in row)
