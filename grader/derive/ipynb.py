"""Solution regions in an .ipynb, the form in which students have and save their notebook.

It is JSON, and Jupyter, VS Code and the hosted ones all write each line of a cell's source as a string on a line of
its own. So regions have lines of the file here as everywhere; what stands on them are the strings' contents.
The format: https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grader.derive.cells import Cell, Headings, find_in_cells
from grader.derive.markers import MarkerError, Region, Violation, refuse_markers, split_lines

_SOURCE = re.compile(r'\s*"source": ?\[\s*')
_STRING = re.compile(r'[ \t]*(?P<string>"(?:[^"\\]|\\.)*"),?[ \t]*(?P<end>[\r\n]*)')
_MARKER = re.compile(r"^[ \t]*### (?:BEGIN|END) (?:YOUR )?SOLUTION\b", re.MULTILINE)


def find(lines: Sequence[str], path: str) -> list[Region]:
    """The regions of a notebook's code cells, as find_in_cells. Raises MarkerError: for markers in its prose, too."""
    cells = read_notebook("".join(lines))
    if cells is None:
        refuse_markers(lines, path)
        return []
    found: list[Cell] = []
    headings = Headings()
    violations = []
    at = 0
    for cell in cells:
        first = _find_source(lines, at, cell.source)
        if cell.is_code and first is not None:
            found.append(Cell(first + 1, cell.source, headings.last))
        elif _MARKER.search("".join(cell.source)):
            violations.append(Violation(path, (first or at) + 1, _why_not(cell)))
        if first is not None:
            at = first + len(cell.source)
        if cell.is_markdown:
            for line in split_lines("".join(cell.source)):
                headings.read(line)
    if violations:
        raise MarkerError(violations)
    return find_in_cells(found, path)


def written(line: str, marker: str) -> str:
    """A line of source as it stands in the file, below the marker's line: a JSON string and a comma."""
    indent = marker[: len(marker) - len(marker.lstrip())]
    end = marker[len(marker.rstrip("\r\n")) :]
    return f"{indent}{json.dumps(line + chr(10), ensure_ascii=False)},{end}"


@dataclass(frozen=True)
class JsonCell:
    """A cell of a notebook, as it is kept."""

    kind: str  # "code", "markdown" or "raw"
    source: tuple[str, ...]  # its lines with their ends, as the file divides them
    has_outputs: bool  # whether it keeps anything of a run

    @property
    def is_code(self) -> bool:
        return self.kind == "code"

    @property
    def is_markdown(self) -> bool:
        return self.kind == "markdown"


def read_notebook(text: str) -> list[JsonCell] | None:
    """The cells of a notebook; None where the text is no notebook."""
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        return None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return None
    return [_cell(cell) for cell in cells if isinstance(cell, dict)]


def _cell(cell: dict[str, Any]) -> JsonCell:
    source = cell.get("source", "")
    lines = split_lines(source) if isinstance(source, str) else [line for line in source if isinstance(line, str)]
    has_outputs = bool(cell.get("outputs")) or cell.get("execution_count") is not None
    return JsonCell(str(cell.get("cell_type")), tuple(lines), has_outputs)


def _find_source(lines: Sequence[str], at: int, source: Sequence[str]) -> int | None:
    """The index of the first line of a cell's source, at `at` or below; None unless each is on a line of its own."""
    if not source:
        return None
    for index in range(at, len(lines) - len(source)):
        if _SOURCE.fullmatch(lines[index]):
            inside = lines[index + 1 : index + 1 + len(source)]
            if all(_string(line) == wanted for line, wanted in zip(inside, source, strict=True)):
                return index + 1
    return None


def _string(line: str) -> str | None:
    match = _STRING.fullmatch(line)
    return None if match is None else str(json.loads(match["string"]))


def _why_not(cell: JsonCell) -> str:
    if not cell.is_code:
        return "a solution marker outside of a code cell marks nothing; write the solution into a code cell"
    return "the markers of this cell cannot be read as the file is laid out; open it in Jupyter and save it again"
