"""Notebooks as text: Markdown with code cells, in the format that jupytext calls MyST.

https://jupytext.readthedocs.io/en/latest/formats-markdown.html and https://mystmd.org/guide/notebooks-with-markdown

    ---
    jupytext:
      text_representation:
        format_name: myst
    ---
    # A heading

    ```{code-cell} ipython3
    :tags: [parameters]

    print("a code cell")
    ```

Only what is needed to find the cells is read here, without jupytext: a student's machine has none. Whether it reads
the cells alike is checked where it is used, in notebook.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grader.derive.cells import FENCE, Cell, Headings, closes, find_in_cells
from grader.derive.markers import LOOKS_LIKE_A_MARKER, MarkerError, Region, Violation, refuse_markers, split_lines

_CELL = "{code-cell}"
_CELL_ELSEWHERE = re.compile(r"[\s>*+\-\d.)]*(?:`{3,}|~{3,})[ \t]*\{code-cell\}")
_LEADING = re.compile(r"^[\s>*+\-\d.)]*")  # of quotes and lists
_SAYS_ONLY_A_MARKER = re.compile(r"[#/]+\s*(?:BEGIN|END)\b")


def is_notebook(text: str) -> bool:
    """Whether a Markdown file is a notebook: whether its front matter is jupytext's."""
    lines = split_lines(text)
    return any(re.match(r"jupytext[ \t]*:", line) for line in lines[: _end_of_front_matter(lines)])


def find(lines: Sequence[str], path: str) -> list[Region]:
    """The regions of a Markdown file: those in the code cells of a notebook, and none in any other.

    Raises MarkerError: for markers outside of code cells, too, since nobody would empty those.
    """
    text = "".join(lines)
    if not is_notebook(text):
        refuse_markers(lines, path)
        return []
    violations = _outside(lines, path)
    try:
        regions = find_in_cells(read_cells(text), path)
    except MarkerError as error:
        violations += error.violations
    if violations:
        raise MarkerError(sorted(violations, key=lambda violation: violation.line))
    return regions


def read_cells(text: str) -> list[Cell]:
    """The code cells of a notebook in MyST, in order."""
    lines = split_lines(text)
    return [Cell(first + 1, tuple(lines[first:end]), heading) for _, first, end, heading in _blocks(lines)]


def _end_of_front_matter(lines: Sequence[str]) -> int:
    """The index of the line that closes it; 0 where there is none."""
    if lines and lines[0].rstrip() == "---":
        for at in range(1, len(lines)):
            if lines[at].rstrip() == "---":
                return at
    return 0


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, int, int, str]]:
    """The code cells: the indices of the fence, of the source's first line and of its end; the heading above."""
    headings = Headings()
    at = _end_of_front_matter(lines)  # the line that closes it is no fence, and no heading
    while at < len(lines):
        fence = FENCE.fullmatch(lines[at].rstrip("\r\n"))
        if fence is None:
            headings.read(lines[at])
            at += 1
            continue
        end = _end_of_fence(lines, at, fence["ticks"])
        if fence["info"].startswith(_CELL):
            yield at, _first_of_source(lines, at + 1, end), end, headings.last
        at = end + 1


def _end_of_fence(lines: Sequence[str], begin: int, ticks: str) -> int:
    """The index of the line that closes the fence opened on line `begin`; the file's end where none does."""
    for at in range(begin + 1, len(lines)):
        fence = FENCE.fullmatch(lines[at].rstrip("\r\n"))
        if fence is not None and closes(fence, ticks):
            return at
    return len(lines)


def _first_of_source(lines: Sequence[str], at: int, end: int) -> int:
    """Where a cell's source begins: after its options, `:key: value` or YAML between `---`, and a blank line."""
    if at < end and lines[at].startswith("---"):
        closed = (number + 1 for number in range(at + 1, end) if lines[number].startswith("---"))
        at = next(closed, end)
    else:
        while at < end and lines[at].lstrip().startswith(":"):
            at += 1
    return at + 1 if at < end and not lines[at].strip() else at


def _outside(lines: Sequence[str], path: str) -> list[Violation]:
    """Markers that are in no cell's source, and cells that are none because they stand in a list or a quotation."""
    source: set[int] = set()
    fences: set[int] = set()
    for fence, first, end, _ in _blocks(lines):
        source.update(range(first, end))
        fences.update(range(fence, end))
    violations = []
    for index, line in enumerate(lines):
        bare = _LEADING.sub("", line.rstrip("\r\n"))
        if index not in source and LOOKS_LIKE_A_MARKER.search(bare) and _SAYS_ONLY_A_MARKER.match(bare.upper()):
            violations.append(
                Violation(
                    path,
                    index + 1,
                    "a solution marker outside of a code cell: it would be handed out unemptied; put the solution "
                    "into a ```{code-cell}```, or write about markers within a sentence",
                )
            )
        if index not in fences and _CELL_ELSEWHERE.match(line):
            violations.append(
                Violation(path, index + 1, "a code cell in a list or a quotation is none; begin it at the line's start")
            )
    return violations
