"""The small drawing vocabulary that all figures of the notebook share: cells, labels, arrows, one palette.

A `Drawing` collects SVG elements and turns into text by `str(drawing)`. Coordinates are in pixels, x to the right and
y downwards. Nothing here needs an id (arrow heads are polygons, not markers), so that any number of drawings can
stand in one page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import hypot

import numpy as np

PAPER = "#fcfbf8"  # what every figure is drawn on: its own background, so that a dark page cannot swallow the ink
INK = "#1f2933"
MUTED = "#66717f"
RULE = "#c5ccd5"
SANS = "ui-sans-serif, system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, 'SF Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"
CELL = 34.0  # side of a cell
MINUS = "\u2212"  # as wide as a plus, which a hyphen is not


@dataclass(frozen=True)
class Tone:
    """The colours of one kind of thing."""

    fill: str  # the inside of a cell
    line: str  # its border, and arrows of this kind
    ink: str = INK  # the text on it


PLAIN = Tone("#ffffff", RULE)
FAINT = Tone("#f3f4f6", "#dde1e7", "#9aa3af")  # there, but not meant now
BLUE = Tone("#d9e8f8", "#2f6fb5")
ORANGE = Tone("#fde3c8", "#cf6a1b")
GREEN = Tone("#d6efdd", "#2f8a57")
PURPLE = Tone("#e7dff6", "#7452b3")
RED = Tone("#fadcd9", "#bf4340")
TEAL = Tone("#d3eeee", "#1f7f86")
YELLOW = Tone("#fdf1bf", "#b58900")
SERIES = (BLUE, ORANGE, GREEN, PURPLE, TEAL, RED, YELLOW)  # for things that are told apart by colour, in this order

Tones = Tone | Mapping[tuple[int, int], Tone] | Callable[[int, int], Tone]


class Drawing:
    """A drawing of a fixed size; frames of one stepper should share it."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._elements: list[str] = []

    def __str__(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} {_n(self.height)}"'
            f' width="{_n(self.width)}" height="{_n(self.height)}"'
            f' text-anchor="middle" font-family="{MONO}" fill="{INK}"'
            f' style="max-width:100%;height:auto;display:block;background:{PAPER}">'
            + "".join(self._elements)
            + "</svg>"
        )

    def raw(self, element: str) -> None:
        """Add an SVG element as text, for what the methods below do not offer."""
        self._elements.append(element)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        tone: Tone = PLAIN,
        *,
        radius: float = 3,
        stroke: float = 1,
        hollow: bool = False,
        dashed: bool = False,
    ) -> None:
        """A rectangle; `hollow` leaves what is beneath it to be seen."""
        self.raw(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{_n(radius)}"'
            f' fill="{"none" if hollow else tone.fill}" stroke="{tone.line}" stroke-width="{_n(stroke)}"'
            f"{_dashes(dashed)}/>"
        )

    def label(
        self,
        x: float,
        y: float,
        text: object,
        *,
        size: float = 13,
        colour: str = INK,
        anchor: str = "middle",
        mono: bool = False,
        bold: bool = False,
        turn: float = 0,
    ) -> None:
        """Text whose middle line is at y. `anchor` is start, middle or end; `turn` rotates it, in degrees."""
        # Only what differs from the drawing's own settings: a figure of many frames has thousands of labels.
        attributes = [f'x="{_n(x)}" y="{_n(y + 0.35 * size)}" font-size="{_n(size)}"']
        if colour != INK:
            attributes.append(f'fill="{colour}"')
        if anchor != "middle":
            attributes.append(f'text-anchor="{anchor}"')
        if not mono:
            attributes.append(f'font-family="{SANS}"')
        if bold:
            attributes.append('font-weight="600"')
        if turn:
            attributes.append(f'transform="rotate({_n(turn)} {_n(x)} {_n(y)})"')
        self.raw(f"<text {' '.join(attributes)}>{escape(str(text))}</text>")

    def cell(
        self, x: float, y: float, text: object = "", tone: Tone = PLAIN, *, width: float = CELL, height: float = CELL
    ) -> None:
        """One cell with its content in the middle; long content is set smaller."""
        self.rect(x, y, width, height, tone, radius=2)
        shown = str(text)
        if shown:
            size = min(14.0, 0.42 * height, 1.5 * (width - 4) / max(len(shown), 1))
            self.label(x + width / 2, y + height / 2, shown, size=size, colour=tone.ink, mono=True)

    def cells(
        self, x: float, y: float, values: np.ndarray | Sequence, tones: Tones = PLAIN, *, cell: float = CELL
    ) -> tuple[float, float]:
        """A grid of cells for a vector (a row) or a matrix, from (x, y) to the right and down; gives width and height.

        `tones` is one tone, a mapping from (row, column) (others are plain), or a function of row and column.
        """
        rows = np.atleast_2d(np.asarray(values, dtype=object))
        if rows.ndim != 2:
            raise ValueError(
                f"cells draws vectors and matrices, not an array of {rows.ndim} axes; draw its slices one by one"
            )
        # Plain cells first, or they would cover half of a coloured neighbour's border.
        places = sorted(np.ndindex(*rows.shape), key=lambda place: _tone(tones, *place) not in (PLAIN, FAINT))
        for row, column in places:
            self.cell(
                x + column * cell,
                y + row * cell,
                number(rows[row, column]),
                _tone(tones, row, column),
                width=cell,
                height=cell,
            )
        return rows.shape[1] * cell, rows.shape[0] * cell

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        colour: str = MUTED,
        stroke: float = 1.5,
        dashed: bool = False,
    ) -> None:
        self.raw(
            f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke="{colour}"'
            f' stroke-width="{_n(stroke)}"{_dashes(dashed)}/>'
        )

    def arrow(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        bend: float = 0,
        colour: str = MUTED,
        stroke: float = 1.5,
        dashed: bool = False,
    ) -> None:
        """An arrow from (x1, y1) to (x2, y2).

        A positive `bend` moves its middle that many pixels to the left of the way: upwards if it goes to the right.
        """
        length = hypot(x2 - x1, y2 - y1) or 1.0
        # the control point of the quadratic curve lies twice as far out as the curve's middle
        cx = (x1 + x2) / 2 + 2 * bend * (y2 - y1) / length
        cy = (y1 + y2) / 2 - 2 * bend * (x2 - x1) / length
        away = hypot(x2 - cx, y2 - cy) or 1.0
        ux, uy = (x2 - cx) / away, (y2 - cy) / away
        head = 4 + 2 * stroke
        bx, by = x2 - head * ux, y2 - head * uy  # the line ends where its head begins
        self.raw(
            f'<path d="M{_n(x1)} {_n(y1)} Q{_n(cx)} {_n(cy)} {_n(bx)} {_n(by)}" fill="none" stroke="{colour}"'
            f' stroke-width="{_n(stroke)}"{_dashes(dashed)}/>'
        )
        side = 0.45 * head
        self.raw(
            f'<polygon points="{_n(x2)},{_n(y2)} {_n(bx - side * uy)},{_n(by + side * ux)}'
            f' {_n(bx + side * uy)},{_n(by - side * ux)}" fill="{colour}"/>'
        )


def number(value: object) -> str:
    """A number as short as it can be said: 3 for 3.0, at most two decimals, with a real minus sign."""
    if isinstance(value, (float, np.floating)):
        text = f"{value:.2f}".rstrip("0").rstrip(".")
        return "0" if text in ("-0", "") else text.replace("-", MINUS)
    return str(value).replace("-", MINUS) if isinstance(value, (int, np.integer)) else str(value)


def _tone(tones: Tones, row: int, column: int) -> Tone:
    if isinstance(tones, Tone):
        return tones
    return tones.get((row, column), PLAIN) if isinstance(tones, Mapping) else tones(row, column)


def _dashes(dashed: bool) -> str:
    return ' stroke-dasharray="4 3"' if dashed else ""


def _n(value: float) -> str:
    """Two decimals are more than a screen shows."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
