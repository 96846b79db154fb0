"""A wrong array for the eye: its error, what was got and what was expected, side by side, as inline SVG.

Cells have one of a few classes, and the page's style gives these their colours: so they follow the reader's light or
dark scheme, and a row of equal cells is one short stroke of a path. Both scales differ in lightness, not only in hue,
and no cell's number is told by its colour alone where there is room to write it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grader.evidence import Picture, Wrong
from grader.report.html.markup import Markup, join, number, tag
from grader.report.wording import count

ERRORS, VALUES = 7, 4  # classes above zero: e1 to e7 of an error; p1 to p4 and n1 to n4 of values of either sign
SIDE = 300.0  # of a map, in pixels: three fit beside each other on a wide screen, one on a telephone
GAP = 3.0  # between blocks
RIGHT = 1e-4  # an error below this share of the largest expected magnitude is drawn as none
_SKEWED = 50  # times the median error: a scale in equal steps would show the largest and nothing else
_NUMBERED = 64  # cells, in at most _ABREAST columns, into which their numbers fit
_ABREAST = 8

Grid = Sequence[Sequence[float | None]]

# Once a page, before any map: what is not a finite number is hatched.
HATCH = tag(
    "svg",
    tag(
        "defs",
        tag(
            "pattern",
            tag("rect", width=6, height=6, class_="hatch-ground"),
            tag("path", d="M0 6L6 0M-1 1L1 -1M5 7L7 5", class_="hatch-line"),
            id="hatch",
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        ),
    ),
    width=0,
    height=0,
    aria_hidden="true",
    class_="sr",
)


@dataclass(frozen=True)
class _Scale:
    """Which class a value has, and the words at both ends of the legend."""

    class_of: Callable[[float], str]
    classes: tuple[str, ...]  # as the legend shows them
    low: str
    high: str
    name: str


def heat_maps(wrong: Wrong, drawn: Picture) -> Markup:
    """The three maps with what their rows and columns are, and their scales."""
    errors, values = _error_scale(drawn), _value_scale(drawn)
    worst = _worst(drawn.error)
    place = f"the largest in row {worst[0]}, column {worst[1]}"
    told = f"{wrong.count} of {count(wrong.size, 'value')} wrong, in {_spread(drawn, errors)}; {place}"
    maps = (
        ("Error", drawn.error, errors, f"Map of the error of {wrong.name}: {told}"),
        ("Got", drawn.got, values, f"Map of {wrong.name} as it was got"),
        ("Expected", drawn.want, values, f"Map of {wrong.name} as it was expected"),
    )
    figures = [
        tag("figure", tag("figcaption", title), _map(cells, scale, drawn.block, worst, label))
        for title, cells, scale, label in maps
    ]
    axes = " ".join(f"{what}: {axis}." for what, axis in (("Rows", drawn.rows), ("Columns", drawn.columns)) if axis)
    return tag(
        "div",
        tag("div", *figures, class_="maps"),
        tag("p", axes, " The ring marks the largest error.", class_="muted axes"),
        tag("div", _legend(errors) if errors.high != "0" else None, _legend(values), _hatched(drawn), class_="legends"),
        class_="picture",
    )


def _error_scale(drawn: Picture) -> _Scale:
    finite = sorted(value for row in drawn.error for value in row if value is not None)
    largest = finite[-1] if finite else 0.0
    reach = max((abs(value) for row in drawn.want for value in row if value is not None), default=0.0)
    right = min(RIGHT * max(reach, 1.0), largest / 10)
    seen = [value for value in finite if value > right]
    skewed = bool(seen) and largest > _SKEWED * seen[len(seen) // 2]

    def class_of(value: float) -> str:
        if value <= right:
            return "e0"
        if skewed and right:  # differences of logarithms: the quotient of a large float64 and a small one is infinite
            share = (math.log(value) - math.log(right)) / (math.log(largest) - math.log(right))
        else:
            share = value / largest
        return f"e{min(ERRORS, max(1, math.ceil(share * ERRORS)))}"

    steps = ", steps by factors" if skewed else ""
    classes = tuple(f"e{k}" for k in range(ERRORS + 1))
    return _Scale(class_of, classes, "0", short(largest), f"error{steps}")


def _value_scale(drawn: Picture) -> _Scale:
    """Of what was expected; what was got and lies beyond has the last class."""
    finite = [abs(value) for row in drawn.want for value in row if value is not None]
    reach = max(finite, default=0.0) or max((abs(v) for row in drawn.got for v in row if v is not None), default=0.0)

    def class_of(value: float) -> str:
        level = min(VALUES, math.ceil(min(1.0, abs(value) / reach) * (VALUES + 0.5) - 0.5)) if reach else 0
        return f"{'p' if value > 0 else 'n'}{level}" if level > 0 else "e0"

    above = ("e0", *(f"p{k}" for k in range(1, VALUES + 1)))
    if all(value is None or value >= 0 for grid in (drawn.got, drawn.want) for row in grid for value in row):
        return _Scale(class_of, above, "0", short(reach), "value")
    classes = (*(f"n{k}" for k in range(VALUES, 0, -1)), *above)
    return _Scale(class_of, classes, f"\u2212{short(reach)}", short(reach), "value")


def _map(cells: Grid, scale: _Scale, block: tuple[int, int], worst: tuple[int, int], label: str) -> Markup:
    rows, columns = len(cells), max(map(len, cells))
    numbered = columns <= _ABREAST and rows * columns <= _NUMBERED
    gaps = GAP * max(columns // block[1] if block[1] else 0, rows // block[0] if block[0] else 0)
    wide, tall = _cell_size(rows, columns, SIDE - gaps, numbered)
    across = [column * wide + (column // block[1] * GAP if block[1] else 0) for column in range(columns + 1)]
    down = [row * tall + (row // block[0] * GAP if block[0] else 0) for row in range(rows + 1)]
    lefts, tops, height = [number(x) for x in across], [number(y) for y in down], number(tall)
    lengths = [number(several * wide) for several in range(columns + 1)]
    paths: dict[str, list[str]] = {}
    words = []
    for row, values in enumerate(cells):
        classes = ["nan" if value is None else scale.class_of(value) for value in values]
        for start, stop in _runs(classes, block[1]):
            length = lengths[stop - start]
            where = f"M{lefts[start]} {tops[row]}h{length}v{height}h-{length}z"
            paths.setdefault(classes[start], []).append(where)
        if numbered:
            words += [
                tag(
                    "text",
                    "\u2014" if value is None else short(value),
                    x=across[column] + wide / 2,
                    y=down[row] + tall / 2,
                    class_=f"on-{classes[column]}",
                )
                for column, value in enumerate(values)
            ]
    whole = (across[columns - 1] + wide, down[rows - 1] + tall)
    place = {"x": across[worst[1]], "y": down[worst[0]], "width": wide, "height": tall}
    ring = join(*(tag("rect", **place, class_=kind) for kind in ("halo", "ring")))
    return tag(
        "svg",
        *(tag("path", class_=kind, d="".join(parts)) for kind, parts in sorted(paths.items())),
        *words,
        ring,
        # Room for the ring of a cell at the edge.
        viewBox=f"-1.5 -1.5 {number(whole[0] + 3)} {number(whole[1] + 3)}",
        width=whole[0] + 3,
        height=whole[1] + 3,
        role="img",
        aria_label=label,
        class_="map",
    )


def _cell_size(rows: int, columns: int, room: float, numbered: bool) -> tuple[float, float]:
    if numbered:
        return max(36.0, min(48.0, room / columns)), 22.0
    side = min(24.0, room / max(rows, columns))
    return max(side, min(24.0, 96 / columns)), max(side, min(24.0, 72 / rows))  # a single line needs some height


def _runs(classes: Sequence[str], block: int) -> list[tuple[int, int]]:
    """(start, stop) of neighbours of one class, in one block."""
    found, start = [], 0
    for stop in range(1, len(classes) + 1):
        if stop == len(classes) or classes[stop] != classes[start] or (block and stop % block == 0):
            found.append((start, stop))
            start = stop
    return found


def _worst(error: Grid) -> tuple[int, int]:
    """The row and column of the largest error; of one that is no number before all."""
    places = [(row, column) for row, values in enumerate(error) for column in range(len(values))]

    def size(place: tuple[int, int]) -> float:
        value = error[place[0]][place[1]]
        return math.inf if value is None else value

    return max(places, key=size)


def _spread(drawn: Picture, scale: _Scale) -> str:
    """Where the errors are, for who cannot see them."""
    bad = [
        (row, column)
        for row, values in enumerate(drawn.error)
        for column, value in enumerate(values)
        if value is None or scale.class_of(value) != "e0"
    ]
    rows, columns = len({row for row, _ in bad}), len({column for _, column in bad})
    return f"{rows} of {count(len(drawn.error), 'row')} and {columns} of {count(len(drawn.error[0]), 'column')}"


def _legend(scale: _Scale) -> Markup:
    cells = [
        tag("rect", x=float(14 * k), y=0, width=14, height=12, class_=name) for k, name in enumerate(scale.classes)
    ]
    size = 14 * len(scale.classes)
    strip = tag("svg", *cells, viewBox=f"0 0 {size} 12", width=size, height=12, aria_hidden="true", class_="strip")
    return tag("span", join(f"{scale.name} ", tag("b", scale.low), strip, tag("b", scale.high)), class_="legend")


def _hatched(drawn: Picture) -> Markup | None:
    """What a hatched cell is, where there is one."""
    if all(value is not None for grid in (drawn.error, drawn.got, drawn.want) for row in grid for value in row):
        return None
    cell = tag("rect", width=14, height=12, class_="nan")
    strip = tag("svg", cell, viewBox="0 0 14 12", width=14, height=12, aria_hidden="true", class_="strip")
    return tag("span", strip, " NaN or infinite", class_="legend")


def short(value: float) -> str:
    """A number in at most six characters, with a real minus sign."""
    size = abs(value)
    if value == int(value) and size < 1e4:
        told = str(int(value))
    elif 0.01 <= size < 1e4:
        told = f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2}f}"
    else:
        told = f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return told.replace("-", "\u2212")
