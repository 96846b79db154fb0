"""Views of one memory: an array's elements, where they lie, and one step along each of its axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .stepper import Figure, stepper
from .svg import FAINT, MUTED, PLAIN, SERIES, YELLOW, Drawing, number

WIDTH = 800
CELL = 30.0
LEFT = 20.0
NOT_SHOWN = 24  # a memory of more cells than this does not fit into a row


@dataclass(frozen=True)
class Layout:
    """Where a view's elements are: element (i, j, ...) lies at offset + i * strides[0] + j * strides[1] + ..."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]  # counted in elements, as needle does; NumPy's own count bytes
    offset: int  # the position of element (0, 0, ...)

    def positions(self) -> list[int]:
        """The position in memory of every element, in row-major order."""
        return [
            self.offset + sum(i * stride for i, stride in zip(index, self.strides, strict=True))
            for index in np.ndindex(*self.shape)
        ]

    @property
    def is_compact(self) -> bool:
        """Whether the elements lie one after another from position 0 on."""
        return self.positions() == list(range(int(np.prod(self.shape, dtype=int))))


def layout(view: np.ndarray, memory: np.ndarray) -> Layout:
    """The layout of a NumPy view on the memory of the compact array that it is a view of."""
    if not np.may_share_memory(view, memory):
        raise ValueError("layout: the array is a copy, not a view; it shares no memory with the second argument")
    size = memory.itemsize
    first = view.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    return Layout(view.shape, tuple(stride // size for stride in view.strides), first // size)


def views(memory: np.ndarray, named: Mapping[str, np.ndarray], title: str) -> Figure:
    """A figure with a frame for each view: its elements, the memory, and one step along each axis as an arrow.

    `memory` is a compact array of at most 24 elements, `named` maps what a frame is called to a NumPy view of it.
    """
    if memory.size > NOT_SHOWN:
        raise ValueError(f"views: the memory has {memory.size} elements; expected at most {NOT_SHOWN}, to fit in a row")
    panels_height = max(_panels_height(view) for view in named.values())
    frames, captions = [], []
    for name, view in named.items():
        where = layout(view, memory)
        frames.append(_frame(memory.ravel(), view, where, panels_height))
        verdict = (
            "compact: memory is read from left to right"
            if where.is_compact
            else "not compact: the same memory, walked in another way"
        )
        captions.append(
            f"<code>{name}</code>: shape {where.shape}, strides {_signed(where.strides)}, offset {where.offset}; "
            f"{verdict}."
        )
    return stepper(frames, captions, title)


def flips(array: np.ndarray) -> Figure:
    """Every way to flip an array, none of which moves an element: a step for each set of axes."""
    named = {"a": array} | {f"np.flip(a, {axes})": np.flip(array, axes) for axes in axis_sets(array.ndim)}
    return views(array, named, f"Flipping an array of shape {array.shape}: the memory stays, the walk changes")


def axis_sets(ndim: int) -> Iterator[tuple[int, ...]]:
    """Every set of axes but the empty one, the small ones first: (0,), (1,), (0, 1) for two axes."""
    for count in range(1, ndim + 1):
        yield from combinations(range(ndim), count)


def _signed(values: tuple[int, ...]) -> str:
    return "(" + ", ".join(number(value) for value in values) + ("," if len(values) == 1 else "") + ")"


def _panels_height(view: np.ndarray) -> float:
    return (view.shape[-2] if view.ndim > 1 else 1) * CELL


def _frame(memory: np.ndarray, view: np.ndarray, where: Layout, panels_height: float) -> Drawing:
    top = 46.0
    row = top + panels_height + 100  # the memory's upper edge; arrows go above it
    drawing = Drawing(WIDTH, row + 2 * CELL + 66)
    drawing.label(LEFT, 16, "the array", anchor="start", bold=True)
    _panels(drawing, view, top)
    _facts(drawing, where, top)
    drawing.label(LEFT, row - 70, "its memory, and one step along each axis", anchor="start", bold=True)
    seen = set(where.positions())
    drawing.cells(
        LEFT,
        row,
        memory,
        lambda _, place: YELLOW if place == where.offset else PLAIN if place in seen else FAINT,
        cell=CELL,
    )
    for place in range(memory.size):
        drawing.label(LEFT + (place + 0.5) * CELL, row + CELL + 9, place, size=10, colour=MUTED)
    _steps(drawing, where, row)
    _compacted(drawing, view, where, row + CELL + 26)
    return drawing


def _panels(drawing: Drawing, view: np.ndarray, top: float) -> None:
    """The matrices of the last two axes, one beside the other, the array's first element marked."""
    matrices = view.reshape((-1, *view.shape[-2:])) if view.ndim > 1 else view.reshape((1, 1, -1))
    x = LEFT
    for index, matrix in enumerate(matrices):
        if view.ndim > 2:
            drawing.label(x, top - 11, f"[{index}]", size=11, colour=MUTED, anchor="start", mono=True)
        width, _ = drawing.cells(x, top, matrix, {(0, 0): YELLOW} if index == 0 else PLAIN, cell=CELL)
        x += width + 18


def _facts(drawing: Drawing, where: Layout, top: float) -> None:
    x = WIDTH - 250
    for line, (name, value) in enumerate(
        (("shape", str(where.shape)), ("strides", _signed(where.strides)), ("offset", str(where.offset)))
    ):
        drawing.label(x, top + 8 + 22 * line, name, anchor="start", colour=MUTED)
        drawing.label(x + 62, top + 8 + 22 * line, value, anchor="start", mono=True)


def _steps(drawing: Drawing, where: Layout, row: float) -> None:
    """From the first element one step along each axis: the longest arrow highest."""
    start = LEFT + (where.offset + 0.5) * CELL
    x = LEFT + 330  # the arrows' names, in a line of their own
    for axis, (length, stride) in enumerate(zip(where.shape, where.strides, strict=True)):
        colour = SERIES[axis % len(SERIES)].line
        drawing.label(
            x,
            row - 70,
            f"axis {axis}: {number(stride) if stride <= 0 else f'+{stride}'}",
            colour=colour,
            anchor="start",
        )
        x += 90
        if length > 1 and stride:
            drawing.arrow(start, row - 3, start + stride * CELL, row - 3, bend=_height(stride), colour=colour, stroke=2)


def _height(stride: int) -> float:
    """How far an arrow rises above the memory; its sign turns with the direction, so that all rise."""
    rise = 12 + min(5.0 * (abs(stride) - 1), 38)
    return rise if stride > 0 else -rise


def _compacted(drawing: Drawing, view: np.ndarray, where: Layout, y: float) -> None:
    """What compact() makes of the view: its elements in row-major order in memory of their own."""
    if where.is_compact:
        return
    if view.size > NOT_SHOWN:
        drawing.label(LEFT, y + 12, f"compact() would write {view.size} elements", anchor="start", colour=MUTED)
        return
    drawing.label(LEFT, y + 8, "compact() writes", anchor="start", size=12, colour=MUTED)
    drawing.cells(LEFT, y + 20, view.ravel(), {(0, 0): YELLOW}, cell=CELL)
