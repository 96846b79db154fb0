"""A roster as CSV: what Canvas exports as its gradebook, or a plain table.

    Canvas   Student, ID, SIS User ID, SIS Login ID, Section, and whatever follows; rows that are about the columns
             (Points Possible, Manual Posting) are skipped
    plain    login, name, and if wanted email, section, role, canvas_id, sis_id; in any order

Files come from spreadsheets: with or without a byte order mark, lines ended in any way, commas or semicolons or tabs
between cells, as UTF-8 or UTF-16. A column that the file lacks leaves what is known of people as it is, and so does an
empty cell of a role or an ID.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from grader.server import errors
from grader.server.store.models import Role

MAX_ROWS = 20_000  # people; a larger file is not a roster
_CANVAS = {
    "student": "name",
    "id": "canvas_id",
    "sis user id": "sis_id",
    "sis login id": "login",
    "section": "section",
}
_PLAIN = ("login", "name", "email", "section", "role", "canvas_id", "sis_id")
_FORMS = (
    "expected the columns 'login' and 'name' (and, if wanted, 'email', 'section', 'role'), or those of Canvas's "
    "gradebook export: 'Student', 'ID', 'SIS User ID', 'SIS Login ID', 'Section'"
)


@dataclass(frozen=True)
class Entry:
    """A row of a roster."""

    line: int  # of the file, where the row begins
    login: str
    name: str
    role: Role | None  # None: the file does not say
    more: dict[str, str]  # of email, section, canvas_id, sis_id what the file has


def read(data: str | bytes) -> tuple[list[Entry], list[str]]:
    """The people of a roster, and a sentence for each row that cannot be read.

    Raises errors.Invalid where the file as a whole cannot be read.
    """
    text = data if isinstance(data, str) else _decoded(data)
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise errors.Invalid("The roster holds zero bytes; expected a CSV file, not a spreadsheet's own format.")
    rows = _rows(text)
    header_at = next((at for at, (_, cells) in enumerate(rows) if any(cells)), None)
    if header_at is None:
        raise errors.Invalid(f"The roster is empty; {_FORMS}.")
    columns, canvas = _columns(rows[header_at][1])
    if len(rows) > MAX_ROWS:
        raise errors.Invalid(f"The roster has {len(rows)} rows; expected at most {MAX_ROWS}.")
    entries, faults = [], []
    for line, cells in rows[header_at + 1 :]:
        if not any(cells) or (canvas and _no_person(cells, columns)):
            continue
        if len(cells) > len(rows[header_at][1]) and any(cells[len(rows[header_at][1]) :]):
            faults.append(
                f"Line {line}: there are {len(cells)} cells, but {len(rows[header_at][1])} columns; "
                "expected a cell with a comma in it to be in quotes."
            )
            continue
        found = _entry(line, {name: cells[at] if at < len(cells) else "" for name, at in columns.items()})
        if isinstance(found, Entry):
            entries.append(found)
        else:
            faults.append(found)
    if not entries and not faults:
        raise errors.Invalid("The roster has a header but nobody below it; expected a row for each person.")
    return entries, faults


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # what Excel calls Unicode text
        encoding = "utf-16"
    elif data[:2] == b"PK":
        raise errors.Invalid("The roster is a spreadsheet or an archive; save it as 'CSV UTF-8' first.")
    else:
        encoding = "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise errors.Invalid(
            f"Line {line}: the roster is not {encoding.upper()} (byte {data[error.start]:#04x}), and read as something "
            "else it would spoil names; save it as 'CSV UTF-8'."
        ) from None


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """The rows with the lines that they begin on; cells without blanks around them."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            rows.append((line, [cell.strip() for cell in cells]))
            line = reader.line_num + 1
    except csv.Error as error:
        raise errors.Invalid(f"Line {line}: the roster is not CSV from here on ({error}).") from None
    return rows


def _columns(header: Sequence[str]) -> tuple[dict[str, int], bool]:
    """Where each column is, and whether the file is Canvas's."""
    names = [" ".join(cell.casefold().split()) for cell in header]
    canvas = "sis login id" in names or "student" in names
    known = _CANVAS if canvas else {name: name for name in _PLAIN}
    columns: dict[str, int] = {}
    for at, name in enumerate(names):
        if name not in known and not canvas and name:
            raise errors.Invalid(f"The roster has the column {header[at]!r:.60}; {_FORMS}.")
        if name in known and known[name] in columns:
            raise errors.Invalid(f"The roster has the column {header[at]!r} twice; {_FORMS}.")
        if name in known:
            columns[known[name]] = at
    for needed in ("login", "name"):
        if needed not in columns:
            shown = next(column for column, meaning in known.items() if meaning == needed)
            raise errors.Invalid(f"The roster has no column {shown!r}; {_FORMS}.")
    return columns, canvas


def _no_person(cells: Sequence[str], columns: dict[str, int]) -> bool:
    """Whether a row of Canvas's is about its columns: the maxima, or how their grades are posted."""
    return cells[0].casefold() == "points possible" or not any(cells[at] for at in columns.values() if at < len(cells))


def _entry(line: int, cells: dict[str, str]) -> Entry | str:
    """The person of a row, or what is wrong with it."""
    login, name = cells.pop("login"), cells.pop("name")
    role = None
    if "role" in cells:
        word = cells.pop("role").casefold()
        if word:  # an empty cell says nothing
            try:
                role = Role(word)
            except ValueError:
                known = ", ".join(item.value for item in Role)
                return f"Line {line}: the role is {word!r:.40}; expected one of: {known}."
    return Entry(line, login, name, role, cells)
