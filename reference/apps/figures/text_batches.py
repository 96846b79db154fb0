"""A text in columns, and the chunks that move down over them with the words that they are to predict."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from .stepper import Figure, stepper
from .svg import BLUE, FAINT, MUTED, ORANGE, PLAIN, SERIES, Drawing, Tone

_SIDE = 30.0


def text_in_columns(text: Sequence[str], columns: np.ndarray) -> Figure:
    """Each column is cut out of the text, one after another; what no column holds stays behind.

    `text` holds items that are all different, letters for instance; `columns` is a (rows, columns) array of such items.
    """
    columns = _grid(columns)
    home = _home(columns, text)
    counts = range(columns.shape[1] + 1)
    frames = [_cut(text, columns, home, count) for count in (counts[-1], *counts)]
    rows, width = columns.shape
    captions = [f"{len(text)} items in {width} columns of {rows}.", "The text, before it is cut."]
    for column in counts[1:]:
        first, last = (escape(str(columns[row, column - 1])) for row in (0, -1))
        captions.append(
            f"Column {column - 1} holds the stretch from <b>{first}</b> to <b>{last}</b>, from top to bottom."
        )
    left = [item for item in text if item not in home]
    if left:
        captions[-1] += f" What is left over, <b>{escape(' '.join(left))}</b>, is dropped."
    return stepper(frames, captions, "A text in columns")


def _grid(columns: np.ndarray) -> np.ndarray:
    columns = np.asarray(columns)
    if columns.ndim != 2 or columns.size == 0:
        raise ValueError(f"the columns have shape {columns.shape}; expected (rows, columns) with at least one item")
    return columns


def _home(columns: np.ndarray, text: Sequence[str] | None = None) -> dict[str, tuple[int, int]]:
    """Where each item stands: the figures look items up, so each has to be there once."""
    home = {str(columns[place]): place for place in np.ndindex(*columns.shape)}
    if len(home) != columns.size or (text is not None and (len(set(text)) != len(text) or not set(home) <= set(text))):
        raise ValueError("the items must be all different, and those of the columns items of the text: take letters")
    return home


def _cut(text: Sequence[str], columns: np.ndarray, home: dict[str, tuple[int, int]], count: int) -> Drawing:
    """The text above, the first `count` columns below."""
    rows, width = columns.shape
    drawing = Drawing(max(len(text), 2 * width) * _SIDE + 40, 100 + rows * _SIDE + 16)
    last = count == width
    for k, item in enumerate(text):
        column = home[item][1] if item in home else None
        taken = column is not None and column < count
        tone = SERIES[column % len(SERIES)] if taken else FAINT if last else PLAIN
        drawing.cell(20 + k * _SIDE, 16, item, tone, width=_SIDE, height=_SIDE)
    left = (drawing.width - width * (_SIDE + 4)) / 2
    for row, column in np.ndindex(rows, width):
        shown = column < count
        tone = SERIES[column % len(SERIES)] if shown else FAINT
        text_here = columns[row, column] if shown else ""
        drawing.cell(left + column * (_SIDE + 4), 96 + row * _SIDE, text_here, tone, width=_SIDE, height=_SIDE)
    for column in range(count):
        _follow(drawing, text, columns, column, left)
    drawing.label(left - 16, 96 + rows * _SIDE / 2, "time", anchor="end", colour=MUTED)
    drawing.arrow(left - 10, 98, left - 10, 94 + rows * _SIDE)
    return drawing


def _follow(drawing: Drawing, text: Sequence[str], columns: np.ndarray, column: int, left: float) -> None:
    """From the middle of a stretch to its column."""
    places = [20 + k * _SIDE for k, item in enumerate(text) if item in columns[:, column]]
    middle = (places[0] + places[-1] + _SIDE) / 2
    colour = SERIES[column % len(SERIES)].line
    drawing.line(places[0] + 2, 52, places[-1] + _SIDE - 2, 52, colour=colour, stroke=3)
    drawing.arrow(middle, 54, left + column * (_SIDE + 4) + _SIDE / 2, 93, colour=colour)


def chunks_of_text(columns: np.ndarray, chunks: Sequence[tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Chunks X (len, batch) of the columns with their targets y (len*batch,), as `get_batch` is to cut them.

    All items of `columns` differ, so that X and y can be found in them; a chunk of other items is drawn all the same.
    """
    columns = _grid(columns)
    home = _home(columns)
    longest = max(np.atleast_1d(y).size for _, y in chunks)
    frames, captions = [], []
    for number, (X, y) in enumerate(chunks):
        X, y = np.atleast_2d(np.asarray(X)), np.atleast_1d(np.asarray(y))
        frames.append(_chunk(columns, home, X, y, longest))
        captions.append(
            f"Chunk {number}: X has shape {X.shape} (blue); y, one row later (orange), has shape {y.shape}."
            " The same place in both: a word, and the word that follows it."
        )
    return stepper(frames, captions, "Chunks and their targets")


def _chunk(
    columns: np.ndarray, home: dict[str, tuple[int, int]], X: np.ndarray, y: np.ndarray, longest: int
) -> Drawing:
    """The columns on the left; on the right X row by row over y, so that each word stands over its target."""
    rows, width = columns.shape
    right = 70 + width * _SIDE + 90
    drawing = Drawing(max(right + longest * _SIDE + 30, 560), max(rows * _SIDE, 150) + 56)
    read = {home[str(item)] for item in X.reshape(-1) if str(item) in home}
    wanted = {home[str(item)] for item in y.reshape(-1) if str(item) in home}
    drawing.label(70 + width * _SIDE / 2, 18, "the text", colour=MUTED)
    for row, column in np.ndindex(rows, width):
        tone = BLUE if (row, column) in read else PLAIN
        drawing.cell(70 + column * _SIDE, 34 + row * _SIDE, columns[row, column], tone, width=_SIDE, height=_SIDE)
    for row, column in wanted:
        inset = Tone("none", ORANGE.line)
        drawing.rect(70 + column * _SIDE + 3, 34 + row * _SIDE + 3, _SIDE - 6, _SIDE - 6, inset, hollow=True, stroke=2)
    for row in range(rows):
        drawing.label(58, 34 + (row + 0.5) * _SIDE, row, size=12, colour=MUTED, anchor="end")
    drawing.label(22, 34 + rows * _SIDE / 2, "row", size=12, colour=MUTED)
    _pairs(drawing, right, X, y)
    return drawing


def _pairs(drawing: Drawing, x: float, X: np.ndarray, y: np.ndarray) -> None:
    drawing.label(x - 14, 34 + 1.5 * _SIDE, "X", bold=True, mono=True, anchor="end", colour=BLUE.line)
    drawing.label(x - 14, 34 + 3.5 * _SIDE, "y", bold=True, mono=True, anchor="end", colour=ORANGE.line)
    for k, item in enumerate(X.reshape(-1)):
        drawing.cell(x + k * _SIDE, 34 + _SIDE, item, BLUE, width=_SIDE, height=_SIDE)
        drawing.arrow(x + (k + 0.5) * _SIDE, 36 + 2 * _SIDE, x + (k + 0.5) * _SIDE, 32 + 3 * _SIDE)
    for k, item in enumerate(y.reshape(-1)):
        drawing.cell(x + k * _SIDE, 34 + 3 * _SIDE, item, ORANGE, width=_SIDE, height=_SIDE)
    for row in range(len(X)):
        start, end = x + row * X.shape[1] * _SIDE, x + (row + 1) * X.shape[1] * _SIDE
        drawing.line(start + 2, 26 + _SIDE, end - 2, 26 + _SIDE, colour=BLUE.line, stroke=2)
        drawing.label((start + end) / 2, 14 + _SIDE, f"row {row} of X", size=12, colour=MUTED)
