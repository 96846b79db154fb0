"""A notebook's text, MyST Markdown, made into the .ipynb that students open.

jupytext reads the text. It is imported here alone and when it is needed: only who writes the notebook has it. What
comes out depends on the text alone: no outputs, no names of machines or kernels, and ids by which the cells of two
releases of a notebook can be told to be the same.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from itertools import zip_longest
from types import ModuleType
from typing import Any

from grader.derive.cells import Headings
from grader.derive.markers import MarkerError, Violation, split_lines
from grader.derive.myst import read_cells
from grader.errors import UsageError

# What Jupyter calls the kernel that every installation has; no version, which would be that of some machine.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
HIDDEN = "hide-input"  # the tag of cells whose code is of no interest; JupyterLab folds them for a key of its own
_ID = 40  # characters of a heading in a cell's id, of 64 that nbformat allows
_DEFINITION = re.compile(r"^(?:async +)?(?:def|class) +(?P<name>[A-Za-z0-9_]+)", re.MULTILINE)


def to_ipynb(text: str, path: str) -> bytes:
    """The .ipynb, in nbformat 4.5, of a notebook in MyST; `path` is the text's, for messages.

    Raises MarkerError where the text is no such notebook, UsageError where jupytext is not installed.
    """
    jupytext, nbformat = _library("jupytext", path), _library("nbformat", path)
    try:
        notebook = jupytext.reads(text, fmt="md:myst")
    except jupytext.myst.MystMetadataParsingError as error:
        raise MarkerError([Violation(path, 1, f"jupytext cannot read this notebook: {error}")]) from error
    _check_cells(notebook, text, path)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    headings, counts = Headings(), Counter[str]()
    for cell in notebook.cells:
        cell.id = _cell_id(cell, _section(cell, headings), counts)
        if HIDDEN in cell.metadata.get("tags", ()):
            cell.metadata["jupyter"] = {"source_hidden": True}
    nbformat.validate(notebook)
    return (str(nbformat.writes(notebook)).rstrip("\n") + "\n").encode()


def _library(name: str, path: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise UsageError(
            f"{path} is a notebook, and {name}, which makes its .ipynb, is not installed; run `make setup`, "
            "or pip install jupytext."
        ) from None


def _check_cells(notebook: Any, text: str, path: str) -> None:
    """Refuse a text whose cells jupytext sees otherwise than we do: a solution could be in one that only it sees."""
    cells = read_cells(text)
    ours = [_lines("".join(cell.lines)) for cell in cells]
    theirs = [_lines(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    for number, (our, their) in enumerate(zip_longest(ours, theirs)):
        if our != their:
            line = cells[min(number, len(cells) - 1)].first if cells else 1
            found = "none" if their is None else repr("\n".join(their))
            raise MarkerError(
                [
                    Violation(
                        path,
                        line,
                        f"for this code cell (number {number + 1}) jupytext finds {found}; "
                        "put a blank line before and after the cell's fences, and no HTML around them",
                    )
                ]
            )


def _lines(source: str) -> list[str]:
    return [line.rstrip("\r\n") for line in split_lines(source.rstrip("\r\n"))]


def _section(cell: Any, headings: Headings) -> str:
    """The heading that the cell begins with or stands under; `headings` goes on by the cell."""
    before = section = headings.last
    if cell.cell_type == "markdown":
        for line in split_lines(cell.source):
            headings.read(line)
            if section == before:
                section = headings.last
    return section


def _cell_id(cell: Any, section: str, counts: Counter[str]) -> str:
    """An id of letters, digits, - and _, as nbformat wants it: "flip-2", the second cell of the section Flip.

    A cell that defines something is called after that, "flip-rule": a student's work is in such cells, and they are
    the same to a later release, whatever stands before them there.
    """
    name = re.sub(r"[^a-z0-9]+", "-", section.lower()).strip("-")[:_ID].strip("-") or "top"
    defined = _DEFINITION.search(cell.source) if cell.cell_type == "code" else None
    if defined is not None:
        name = f"{name}-{defined['name']}"[: _ID + 18]
    counts[name] += 1
    return name if defined is not None and counts[name] == 1 else f"{name}-{counts[name]}"
