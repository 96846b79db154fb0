"""The four gates of an LSTM: where they stand in a cell, and what they do to one unit's memory over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from .stepper import Figure, stepper
from .svg import BLUE, FAINT, GREEN, INK, MUTED, ORANGE, PURPLE, RULE, TEAL, Drawing, Tone, number

# -- one cell ----------------------------------------------------------------------------------------------------------

_STRIP_X, _STRIP_Y, _BLOCK, _STRIP_HEIGHT = (
    176.0,
    322.0,
    104.0,
    34.0,
)  # the sum of the products: four blocks side by side
_GATE_Y, _C_Y, _MEET_Y = 244.0, 64.0, 160.0  # the squashing functions, the line of the memory, where i meets g
_LIT, _PAST = 2.4, 1.6  # widths of arrows
_SIGMA, _TIMES, _MINUS = "\N{GREEK SMALL LETTER SIGMA}", "\N{MULTIPLICATION SIGN}", "\N{MINUS SIGN}"
_WHOLE = 4.5  # after all stages that add a part, before the one that leaves only one

_STAGES = (
    "The sum <code>x W_ih + b_ih + h W_hh + b_hh</code> has four blocks side by side, each hidden_size wide,"
    " in the order <b>i, f, g, o</b>.",
    "i, f and o go through the sigmoid: they are valves between 0 (shut) and 1 (open). g goes through tanh:"
    " it is a value.",
    "The forget gate: <code>f*c</code> is what is kept of the old memory.",
    "The input gate: <code>i*g</code> is what is written. Kept and written together are the new memory,"
    " <code>c' = f*c + i*g</code>.",
    "The output gate: <code>h' = o*tanh(c')</code> is what is shown of the memory.",
    "The memory's own way, from c to c', has one product by f and one sum on it: no weights and no tanh.",
)


def lstm_cell() -> Figure:
    """One step of an LSTM cell, from the products to the new state, a stage at a time."""
    whole = "The whole step. Three gates (teal) are valves; one value (orange) may be written into the memory (violet)."
    stages = range(len(_STAGES))
    return stepper([_cell(_WHOLE), *map(_cell, stages)], [whole, *_STAGES], "One step of an LSTM cell")


def _cell(stage: float) -> Drawing:
    """Stages 0 to 4 add their part; stage 5 lights the memory's way alone."""
    drawing = Drawing(760, 386)
    xs = [_STRIP_X + (k + 0.5) * _BLOCK for k in range(4)]
    i, f, g, o = xs
    end = 712.0

    def tone(own: Tone, since: int) -> Tone:
        return FAINT if stage < since or (stage == 5 and own is not PURPLE) else own

    def way(*points: tuple[float, float], own: Tone, since: int) -> None:
        _polyline(drawing, points, tone(own, since), lit=stage in (since, 5))

    def node(x: float, y: float, text: str, own: Tone, since: int) -> None:
        _round(drawing, x, y, text, tone(own, since))

    drawing.rect(120, 22, 548, 352, Tone("#ffffff", RULE), radius=14)
    # the products
    for x, name, own in zip(xs, "ifgo", (TEAL, TEAL, ORANGE, TEAL), strict=True):
        block = tone(own, 0)
        drawing.rect(x - _BLOCK / 2, _STRIP_Y, _BLOCK, _STRIP_HEIGHT, block, radius=0)
        drawing.label(x, _STRIP_Y + _STRIP_HEIGHT / 2, name, bold=True, mono=True, size=15, colour=block.ink)
        way((x, _STRIP_Y), (x, _GATE_Y + 17), own=own, since=1)
        node(x, _GATE_Y, "tanh" if name == "g" else _SIGMA, own, 1)
    # forget
    way((30, _C_Y), (f - 15, _C_Y), own=PURPLE, since=2)
    way((f, _GATE_Y - 17), (f, _C_Y + 15), own=TEAL, since=2)
    # write
    way((g, _GATE_Y - 17), (g, _MEET_Y + 15), own=ORANGE, since=3)
    way((i, _GATE_Y - 17), (i, _MEET_Y), (g - 15, _MEET_Y), own=TEAL, since=3)
    way((g, _MEET_Y - 15), (g, _C_Y + 15), own=ORANGE, since=3)
    way((f + 15, _C_Y), (g - 15, _C_Y), own=PURPLE, since=2)
    way((g + 15, _C_Y), (end, _C_Y), own=PURPLE, since=3)
    # show
    tap = o + 66
    way((tap, _C_Y), (tap, 110 - 17), own=GREEN, since=4)
    way((tap, 110 + 17), (tap, _MEET_Y - 15 + 12), own=GREEN, since=4)
    way((o, _GATE_Y - 17), (o, _MEET_Y + 12), (tap - 15, _MEET_Y + 12), own=TEAL, since=4)
    way((tap + 15, _MEET_Y + 12), (end, _MEET_Y + 12), own=GREEN, since=4)
    node(f, _C_Y, _TIMES, PURPLE, 2)
    node(g, _MEET_Y, _TIMES, ORANGE, 3)
    node(g, _C_Y, "+", PURPLE, 3)
    node(tap, 110, "tanh", GREEN, 4)
    node(tap, _MEET_Y + 12, _TIMES, GREEN, 4)
    _names(drawing, stage, end)
    return drawing


def _names(drawing: Drawing, stage: float, end: float) -> None:
    """What comes in on the left and goes out on the right."""
    for y, name, own in ((_STRIP_Y + 2, "x", BLUE), (_STRIP_Y + 32, "h", GREEN)):
        tone = FAINT if stage == 5 else own
        drawing.label(20, y, name, bold=True, mono=True, size=15, colour=tone.line)
        drawing.arrow(34, y, _STRIP_X - 2, y, colour=tone.line, stroke=_PAST)
    drawing.label(20, _C_Y, "c", bold=True, mono=True, size=15, colour=PURPLE.line)
    for y, name, own, since in ((_C_Y, "c'", PURPLE, 3), (_MEET_Y + 12, "h'", GREEN, 4)):
        shown = stage >= since and not (stage == 5 and own is GREEN)
        drawing.label(end + 18, y, name, bold=True, mono=True, size=15, colour=own.line if shown else FAINT.ink)


def _polyline(drawing: Drawing, points: Sequence[tuple[float, float]], tone: Tone, *, lit: bool) -> None:
    colour, stroke = tone.line, _LIT if lit and tone is not FAINT else _PAST
    for (x1, y1), (x2, y2) in pairwise(points[:-1]):
        drawing.line(x1, y1, x2, y2, colour=colour, stroke=stroke)
    drawing.arrow(*points[-2], *points[-1], colour=colour, stroke=stroke)


def _round(drawing: Drawing, x: float, y: float, text: str, tone: Tone) -> None:
    width = 44 if text == "tanh" else 34 if text == _SIGMA else 30
    height = 34 if text in (_SIGMA, "tanh") else 30
    drawing.rect(
        x - width / 2, y - height / 2, width, height, tone, radius=8 if text in (_SIGMA, "tanh") else 15, stroke=1.4
    )
    drawing.label(x, y, text, size=13 if text == "tanh" else 17, colour=tone.ink)


# -- one unit over time ------------------------------------------------------------------------------------------------

_NAME, _COLUMN, _ROW = 96.0, 54.0, 34.0  # the names' width, a step's width, a row's height
_HEAD = 30.0
_GATES = ("i", "f", "o")  # between 0 and 1; all other rows between -1 and 1


def gates_over_time(values: Mapping[str, np.ndarray], title: str = "One unit of an LSTM over time") -> Figure:
    """A heat map of one unit: a row for each of the arrays, a column for each step; then the same a step at a time.

    `values` maps names to arrays of shape (steps,), in the order in which they are to be drawn. i, f, g, o, c and h
    must be among them, `c` and `h` after each step; others, the inputs for instance, are drawn as they are. The
    memory is empty at first.
    """
    rows = {name: np.asarray(row, dtype=float) for name, row in values.items()}
    missing = [name for name in "ifgoch" if name not in rows]
    if missing:
        raise ValueError(f"gates_over_time needs the rows i, f, g, o, c and h, and got no {', '.join(missing)}")
    shapes = {name: row.shape for name, row in rows.items()}
    if len(set(shapes.values())) != 1 or rows["c"].ndim != 1:
        raise ValueError(
            f"gates_over_time draws one unit: every row has the shape (steps,), but the shapes are {shapes}"
        )
    steps = len(rows["c"])
    frames = [_heat(rows, steps, None), *(_heat(rows, step + 1, step) for step in range(steps))]
    captions = [
        f"<b>All steps</b><br>Gates run from 0 (white, shut) to 1; values from {_MINUS}1 (orange) over 0 to 1 (blue)."
    ]
    captions += [_story(rows, step) for step in range(steps)]
    return stepper(frames, captions, title)


def _heat(rows: Mapping[str, np.ndarray], shown: int, now: int | None) -> Drawing:
    steps = len(rows["c"])
    drawing = Drawing(_NAME + steps * _COLUMN + 16, _HEAD + len(rows) * (_ROW + 4) + 8)
    for step in range(steps):
        lit = step == now
        drawing.label(_NAME + (step + 0.5) * _COLUMN, 14, step, size=12, bold=lit, colour=INK if lit else MUTED)
    for k, (name, row) in enumerate(rows.items()):
        y = _HEAD + k * (_ROW + 4)
        drawing.label(_NAME - 14, y + _ROW / 2, name, anchor="end", mono=True, bold=name in "ifgoch")
        for step in range(steps):
            x = _NAME + step * _COLUMN
            if step < shown:
                drawing.cell(x, y, number(row[step]), _heat_tone(name, row[step]), width=_COLUMN, height=_ROW)
            else:
                drawing.cell(x, y, "", FAINT, width=_COLUMN, height=_ROW)
    if now is not None:
        height = len(rows) * (_ROW + 4)
        drawing.rect(
            _NAME + now * _COLUMN - 1, _HEAD - 4, _COLUMN + 2, height + 4, Tone("none", INK), hollow=True, stroke=2
        )
    return drawing


def _heat_tone(name: str, value: float) -> Tone:
    strongest = TEAL if name in _GATES else BLUE if value >= 0 else ORANGE
    share = 0.0 if np.isnan(value) else min(1.0, abs(value)) * 0.6  # the text stays legible on the darkest
    channels = [(int(strongest.line[k : k + 2], 16), 255) for k in (1, 3, 5)]
    fill = "#" + "".join(f"{round(share * dark + (1 - share) * white):02x}" for dark, white in channels)
    return Tone(fill, RULE)


def _story(rows: Mapping[str, np.ndarray], step: int) -> str:
    """The step's two equations with its numbers."""
    at = {name: number(float(row[step])) for name, row in rows.items()}
    before = number(float(rows["c"][step - 1])) if step else "0"
    kept, written = f"{at['f']} · {_signed(before)}", f"{at['i']} · {_signed(at['g'])}"
    return (
        f"<b>Step {step}</b><br><code>c' = f*c + i*g = {kept} + {written} = {at['c']}</code><br>"
        f"<code>h' = o*tanh(c') = {at['o']} · tanh({at['c']}) = {at['h']}</code>"
    )


def _signed(text: str) -> str:
    return f"({text})" if text.startswith(_MINUS) else text
