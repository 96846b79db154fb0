"""Solution regions in the code cells of a notebook, whatever file the notebook is kept in.

A cell is a small program of its own: a region begins and ends in one cell, and a cell that is a stub raises when
it is run. IPython's own lines, `%magic` and `!command`, are no Python; they are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from grader.derive import python
from grader.derive.markers import MarkerError, Region, Violation, line_end, pair_markers

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<text>.*?)(?:[ \t]+#+)?[ \t]*")  # CommonMark's, of one line
FENCE = re.compile(r" {0,3}(?P<ticks>`{3,}(?=[^`]*$)|~{3,})[ \t]*(?P<info>.*?)[ \t]*")
_OURS = re.compile(r"(?P<indent>[ \t]*)[%!].*", re.DOTALL)  # a line that IPython runs, not Python


@dataclass(frozen=True)
class Cell:
    """A code cell."""

    first: int  # 1-based line of the file on which its source begins
    lines: tuple[str, ...]  # its source, with line ends, one line of it on each line of the file
    heading: str  # the nearest one before it; "" before the first


def find_in_cells(cells: Sequence[Cell], path: str) -> list[Region]:
    """The regions of all cells, in order; their lines are numbered as in the file. Raises MarkerError."""
    regions: list[Region] = []
    violations: list[Violation] = []
    for cell in cells:
        try:
            regions += _regions(cell, path)
        except MarkerError as error:
            violations += error.violations
    if violations:
        raise MarkerError(violations)
    return regions


def stub(region: Region) -> str:
    """The statement that stands for a region: in a function as in a .py file, and in a cell itself as well.

    It names the notebook that students have, which is not the file that it is written in.
    """
    return python.stub(replace(region, path=str(PurePosixPath(region.path).with_suffix(".ipynb"))))


class Headings:
    """The heading that a line of Markdown stands under."""

    def __init__(self) -> None:
        self.last = ""  # of the lines read so far, less the quotes of code in it
        self._fence = ""  # the quotes that the fence around this line is closed with

    def read(self, line: str) -> None:
        """Go on by a line, which may have its end."""
        line = line.rstrip("\r\n")
        fence = FENCE.fullmatch(line)
        if self._fence:
            if fence is not None and closes(fence, self._fence):
                self._fence = ""
        elif fence is not None:
            self._fence = fence["ticks"]
        elif (heading := _HEADING.fullmatch(line)) is not None:
            self.last = heading["text"].replace("`", "").strip()


def closes(fence: re.Match[str], opened: str) -> bool:
    """Whether a line, which matches FENCE, closes the fence that was opened by `opened`."""
    return not fence["info"] and fence["ticks"].startswith(opened)


def _regions(cell: Cell, path: str) -> list[Region]:
    above = ["\n"] * (cell.first - 1)  # so that lines are numbered as in the file
    lines = [*above, *cell.lines]
    spans = pair_markers(lines, path, "###")
    if not spans:
        return []
    found = python.place([*above, *_without_magics(cell.lines)], spans, path, whole=cell.heading or "this cell")
    return [replace(region, lines=tuple(lines[region.first : region.last - 1])) for region in found]


def _without_magics(lines: Sequence[str]) -> list[str]:
    """The lines as Python: `pass` for what is IPython's, where the cell is no Python otherwise.

    A line of a long expression may begin with `%`, the operator; a cell that has such is Python as it stands.
    """
    if python.is_python(lines):
        return list(lines)
    return [f"{match['indent']}pass{line_end(line)}" if (match := _OURS.fullmatch(line)) else line for line in lines]
