"""Stack and split: matrices of one shape become one array with a new axis, and come back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .stepper import Figure, stepper
from .svg import MUTED, SERIES, Drawing

CELL = 36.0
GAP = 26.0
LEFT = 20.0


def stacking(matrices: Sequence[np.ndarray]) -> Figure:
    """A step for each axis at which matrices can be stacked; the colour says where an element came from."""
    frames = [_frame(matrices, axis) for axis in range(3)]
    shapes = [np.stack(matrices, axis).shape for axis in range(3)]
    captions = [
        f"<code>stack</code> at axis {axis} puts the {len(matrices)} matrices along a new axis: shape {shape}. "
        f"<code>split</code> at axis {axis} gives the coloured matrices back."
        for axis, shape in enumerate(shapes)
    ]
    return stepper(frames, captions, f"Stacking {len(matrices)} matrices of shape {matrices[0].shape}")


def _frame(matrices: Sequence[np.ndarray], axis: int) -> Drawing:
    rows, columns = matrices[0].shape
    tallest, widest = max(rows, len(matrices)), max(columns, len(matrices))
    slices = max(rows, len(matrices))
    drawing = Drawing(LEFT * 2 + slices * (widest * CELL + GAP) + 60, 118 + (rows + tallest) * CELL)
    x = LEFT
    for k, matrix in enumerate(matrices):
        drawing.label(x, 16, f"tensor {k}", anchor="start", size=12, colour=SERIES[k].line, bold=True)
        width, _ = drawing.cells(x, 30, matrix, SERIES[k], cell=CELL)
        x += width + GAP
    y = 30 + rows * CELL + 34
    drawing.label(LEFT, y, f"stacked at axis {axis}, slice by slice along axis 0", anchor="start", bold=True)
    stacked = np.stack(matrices, axis)
    came_from = np.stack([np.full_like(matrix, k, dtype=int) for k, matrix in enumerate(matrices)], axis)
    x = LEFT
    for index, (values, sources) in enumerate(zip(stacked, came_from, strict=True)):
        drawing.label(x, y + 25, f"[{index}]", anchor="start", size=11, colour=MUTED, mono=True)
        width, _ = drawing.cells(x, y + 36, values, lambda i, j, of=sources: SERIES[of[i, j]], cell=CELL)
        x += width + GAP
    return drawing
