"""The way of a sum from a line of Python down to the kernel that adds the numbers."""

from __future__ import annotations

from dataclasses import dataclass

from .stepper import Figure, stepper
from .svg import BLUE, GREEN, INK, MUTED, ORANGE, PLAIN, Drawing, Tone

LEFT = 20.0
WIDTH = 780.0
HEIGHT = 40.0


@dataclass(frozen=True)
class Station:
    """One function on the way."""

    call: str
    where: str  # its file
    holds: str  # what kind of value it works on: Tensor, NDArray, flat memory
    tone: Tone
    says: str  # what happens here, HTML


SUM = (
    Station(
        "summation(x, axes=(0, 2))",
        "ops/ops_mathematic.py",
        "Tensor",
        BLUE,
        "The function makes the op, <code>Summation((0, 2))</code>, and calls it.",
    ),
    Station(
        "TensorOp.__call__",
        "autograd.py",
        "Tensor",
        BLUE,
        "The inputs are checked: are they Tensors, on one device, with axes that exist?",
    ),
    Station(
        "Tensor.make_from_op",
        "autograd.py",
        "Tensor",
        BLUE,
        "A new node of the graph: it remembers the op and its inputs, for <code>backward</code>.",
    ),
    Station(
        "realize_cached_data",
        "autograd.py",
        "Tensor → NDArray",
        BLUE,
        "The node asks its inputs for their arrays, and its op to compute with them.",
    ),
    Station(
        "Summation.compute",
        "ops/ops_mathematic.py",
        "NDArray",
        ORANGE,
        "<b>Yours.</b> From here on there are arrays, no Tensors. Two axes are wanted; an array reduces one at a time.",
    ),
    Station(
        "NDArray.sum(axis)",
        "backend_ndarray/ndarray.py",
        "NDArray",
        ORANGE,
        "The axis to be summed is permuted to the end, and the view made compact.",
    ),
    Station(
        "reduce_sum(a, out, size)",
        "src/ndarray_backend_cpu.cc",
        "flat memory",
        GREEN,
        "<b>Yours.</b> No shape is left: every <code>size</code> numbers that lie side by side become one.",
    ),
)


def sum_journey() -> Figure:
    """A step for each function that a sum goes through."""
    frames = [_frame(current) for current in range(len(SUM))]
    return stepper(frames, [station.says for station in SUM], "The way a sum travels")


def _frame(current: int) -> Drawing:
    drawing = Drawing(WIDTH, len(SUM) * (HEIGHT + 12) + 34)
    for x, heading in ((LEFT, "call"), (LEFT + 310, "works on"), (LEFT + 480, "file")):
        drawing.label(x + 14, 14, heading, anchor="start", size=12, colour=MUTED)
    for n, station in enumerate(SUM):
        y = 30 + n * (HEIGHT + 12)
        here = n == current
        drawing.rect(
            LEFT,
            y,
            WIDTH - 2 * LEFT,
            HEIGHT,
            station.tone if n <= current else PLAIN,
            radius=8,
            stroke=2.5 if here else 1,
        )
        ink = INK if n <= current else MUTED
        middle = y + HEIGHT / 2
        drawing.label(LEFT + 14, middle, station.call, anchor="start", mono=True, bold=here, colour=ink)
        drawing.label(LEFT + 324, middle, station.holds, anchor="start", colour=ink)
        drawing.label(LEFT + 494, middle, station.where, anchor="start", mono=True, size=12, colour=ink)
        if n:
            drawing.arrow(LEFT + 40, y - 12, LEFT + 40, y, colour=MUTED)
    return drawing
