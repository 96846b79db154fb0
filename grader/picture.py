"""A wrong array as a picture: small enough for a report, and so laid out that the eye sees what is wrong with it.

Two neighbouring axes become the rows and columns of a block, and the others number the blocks, which lie side by side
as on a contact sheet: a border, a tile, a shift or a flip shows in every block, a bad channel or time step is a bad
block. What does not fit is made coarser, and a cell then shows the worst of its values: no error can vanish.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.evidence import Picture

MOST = 64  # rows, and columns
_DIGITS, _ERROR_DIGITS = 5, 3  # of the values: more is not seen, and 64 x 64 values in full are 0.2 MB in grade.json

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Layout:
    """Where every element goes."""

    row: Ints  # of each element, in row-major order
    column: Ints
    rows: str
    columns: str
    block: tuple[int, int]  # its rows and columns; (0, 0) where all is one block


def picture(got: npt.NDArray[Any], want: npt.NDArray[Any]) -> Picture | None:
    """`got` beside `want`, and |got - want|; None where there is nothing to see.

    That is so for what are no two arrays of numbers of one shape, for a single number, and where nothing differs.
    The last rows may be shorter than the others.
    """
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape or got.size < 2 or {got.dtype.kind, want.dtype.kind} - set("biuf"):
        return None
    shape = got.shape
    got, want = got.astype(np.float64).ravel(), want.astype(np.float64).ravel()
    with np.errstate(all="ignore"):  # inf - inf
        error = np.abs(got - want)
    error[(got == want) | (np.isnan(got) & np.isnan(want))] = 0.0
    if not error.any():  # NaN is true
        return None
    layout = _layout(shape)
    chosen = _worst(layout, np.where(np.isfinite(error), error, np.inf))
    return Picture(
        _cells(layout, chosen, got, _DIGITS),
        _cells(layout, chosen, want, _DIGITS),
        _cells(layout, chosen, error, _ERROR_DIGITS),
        layout.rows,
        layout.columns,
        layout.block,
    )


def _worst(layout: _Layout, error: Floats) -> Ints:
    """Of each cell the element with the largest error, the first of equals; cells by rows."""
    cell = layout.row * MOST + layout.column
    order = np.lexsort((-error, cell))
    first = np.diff(cell[order], prepend=-1) > 0
    return np.asarray(order[first], np.int64)


def _cells(layout: _Layout, chosen: Ints, values: Floats, digits: int) -> tuple[tuple[float | None, ...], ...]:
    rows: list[list[float | None]] = [[] for _ in range(int(layout.row.max()) + 1)]
    for row, value in zip(layout.row[chosen].tolist(), values[chosen].tolist(), strict=True):
        rows[row].append(float(f"{value:.{digits}g}") if math.isfinite(value) else None)
    return tuple(map(tuple, rows))


def _layout(shape: tuple[int, ...]) -> _Layout:
    axes = [axis for axis, size in enumerate(shape) if size > 1]
    if len(axes) == 1:
        return _lines(axes[0], shape[axes[0]])
    inner = _block_axes(shape, axes)
    return _sheet(shape, inner, [axis for axis in axes if axis not in inner])


def _lines(axis: int, size: int) -> _Layout:
    """A vector, in lines as a text is: a period shows as a pattern."""
    together = -(-size // MOST**2)
    place = np.arange(size) // together
    count = int(place[-1]) + 1
    if count <= MOST:
        return _Layout(0 * place, place, "", _axis(axis, size), (0, 0))
    # Lines of equal length where its factors allow, else of the full one.
    width = next((width for width in range(MOST, MOST // 4, -1) if count % width == 0), MOST)
    columns = f"{_axis(axis, size, together)} in lines of {width * together}"
    return _Layout(place // width, place % width, "line after line", columns, (0, 0))


def _block_axes(shape: tuple[int, ...], axes: Sequence[int]) -> tuple[int, int]:
    """Two neighbouring axes that are most like a picture's: both long, better still of one length; the last of equals.

    (N, H, W, C) and (N, C, H, W) both give H and W, a batch of matrices the matrices, (time, batch, hidden) the last.
    """

    def likeness(pair: tuple[int, int]) -> int:
        one, other = shape[pair[0]], shape[pair[1]]
        return int(min(one, other) ** 2 * (1 + (one == other)))

    return max(reversed(list(itertools.pairwise(axes))), key=likeness)


def _sheet(shape: tuple[int, ...], inner: tuple[int, int], outer: Sequence[int]) -> _Layout:
    """Blocks of the two inner axes, one for each index of the outer ones."""
    height, width = shape[inner[0]], shape[inner[1]]
    sizes = [shape[axis] for axis in outer]
    together = -(-math.prod(sizes) // MOST**2)  # blocks that become one
    count = -(-math.prod(sizes) // together)
    # Across lie all indices of the last few outer axes, if that costs nothing: then a line of blocks has a meaning.
    natural = {math.prod(sizes[k:]): k for k in range(len(sizes), -1, -1)} if together == 1 else {}
    across, tall, wide = min(
        (
            (across, *steps)
            for across in range(1, min(count, MOST) + 1)
            if (steps := _steps(height, width, -(-count // across), across)) is not None
        ),
        key=lambda found: (_loss(found, natural), _oblong(height, width, count, found)),
    )
    block = (-(-height // tall), -(-width // wide))
    place = np.indices(shape, dtype=np.int64).reshape(len(shape), -1)
    number = np.zeros(place.shape[1], np.int64)
    for axis in outer:
        number = number * shape[axis] + place[axis]
    number //= together
    row = number // across * block[0] + place[inner[0]] // tall
    column = number % across * block[1] + place[inner[1]] // wide
    rows, columns = [_axis(inner[0], height, tall)], [_axis(inner[1], width, wide)]
    if across in natural:
        rows = [*(_axis(axis, shape[axis]) for axis in outer[: natural[across]]), *rows]
        columns = [*(_axis(axis, shape[axis]) for axis in outer[natural[across] :]), *columns]
    else:
        several = f", {together} to a block" if together > 1 else ""
        columns = [f"blocks of {', '.join(_axis(axis, shape[axis]) for axis in outer)}{several}", *columns]
        rows = [f"lines of {across} blocks", *rows]
    return _Layout(row, column, ", ".join(rows), ", ".join(columns), block if count > 1 else (0, 0))


def _steps(height: int, width: int, down: int, across: int) -> tuple[int, int] | None:
    """How many rows and columns of a block become one, so that so many blocks fit; None where they cannot."""
    if down > MOST or across > MOST:
        return None
    return -(-height // (MOST // down)), -(-width // (MOST // across))


def _loss(found: tuple[int, int, int], natural: Container[int]) -> float:
    """How much is lost: values to a cell, more where they are not a square's; less where the lines have a meaning."""
    across, tall, wide = found
    return tall * wide * math.sqrt(max(tall, wide) / min(tall, wide)) / (1.5 if across in natural else 1.0)


def _oblong(height: int, width: int, count: int, found: tuple[int, int, int]) -> float:
    """How far from a square the whole is."""
    across, tall, wide = found
    rows, columns = -(-count // across) * -(-height // tall), across * -(-width // wide)
    return abs(math.log(rows / columns))


def _axis(axis: int, size: int, together: int = 1) -> str:
    return f"axis {axis} ({size}{f', {together} to a cell' if together > 1 else ''})"
