"""Dilation: zeros between the elements of a matrix, and taken out again."""

from __future__ import annotations

import numpy as np

from .stepper import Figure, stepper
from .svg import BLUE, FAINT, GREEN, Drawing

CELL = 36.0
LEFT = 20.0
BETWEEN = 98.0  # from the matrix to the dilated one; the arrows go there


def dilation(matrix: np.ndarray, most: int = 2) -> Figure:
    """A step each: a matrix dilated by 1 along rows, along columns, along both, and along both by 2 up to `most`."""
    cases = [((0,), 1), ((1,), 1), *(((0, 1), by) for by in range(1, most + 1))]
    frames, captions = [], []
    for axes, by in cases:
        spread = _spread(matrix, axes, by)
        frames.append(_frame(matrix, spread, f"dilate(a, {axes}, {by})", most + 1))
        zeros = "1 zero" if by == 1 else f"{by} zeros"
        where = f"axis {axes[0]}" if len(axes) == 1 else "both axes"
        captions.append(f"{zeros} after every element of {where}: shape {matrix.shape} becomes {spread.shape}.")
    return stepper(frames, captions, "Dilation")


def _frame(matrix: np.ndarray, spread: np.ndarray, call: str, largest: int) -> Drawing:
    """The matrix, the dilated one, and arrows there and back; room for one that is `largest` times as large."""
    rows, columns = matrix.shape
    drawing = Drawing(LEFT * 2 + columns * (1 + largest) * CELL + BETWEEN + 32, rows * largest * CELL + 50)
    drawing.label(LEFT, 16, "a", anchor="start", mono=True, bold=True)
    width, height = drawing.cells(LEFT, 30, matrix, BLUE, cell=CELL)
    x, y = LEFT + width + 18, 30 + height / 2
    drawing.arrow(x, y - 6, x + 80, y - 6, colour=BLUE.line, stroke=2)
    drawing.arrow(x + 80, y + 12, x, y + 12, colour=GREEN.line, stroke=2)
    drawing.label(x + 40, y - 20, "dilate", colour=BLUE.line, size=12)
    drawing.label(x + 40, y + 28, "undilate", colour=GREEN.line, size=12)
    x += BETWEEN
    drawing.label(x, 16, call, anchor="start", mono=True, bold=True)
    apart = [long // short for long, short in zip(spread.shape, matrix.shape, strict=True)]
    drawing.cells(x, 30, spread, lambda i, j: FAINT if i % apart[0] or j % apart[1] else BLUE, cell=CELL)
    return drawing


def _spread(matrix: np.ndarray, axes: tuple[int, ...], by: int) -> np.ndarray:
    """The dilated matrix: each element times a small matrix that is 1 in its corner and 0 elsewhere."""
    corner = np.zeros([by + 1 if axis in axes else 1 for axis in (0, 1)], dtype=matrix.dtype)
    corner[0, 0] = 1
    return np.kron(matrix, corner)
