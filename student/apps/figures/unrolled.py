"""A recurrent network drawn over time: what is computed when, and the way back that a gradient takes."""

from __future__ import annotations

from collections.abc import Callable

from .stepper import Figure, stepper
from .svg import BLUE, FAINT, GREEN, MUTED, ORANGE, RED, Drawing, Tone

_LEFT, _PITCH, _WIDTH = 104.0, 122.0, 66.0  # where the first column stands, column to column, the width of a box
_TOP, _STOREY, _HEIGHT = 66.0, 76.0, 36.0  # where the last layer stands, layer to layer, the height of a box

Tint = Callable[[int, int], Tone]  # of the cell of a layer at a step


def rnn_over_time(steps: int = 4, layers: int = 2) -> Figure:
    """The cells of a network in the order in which they can be computed, then the gradient of the last output.

    Layer 0 is the lowest row, time runs to the right.
    """
    if steps < 2 or layers < 1:
        raise ValueError(f"the figure needs at least 2 steps and 1 layer, and got steps={steps}, layers={layers}")
    frames = [_network(steps, layers, lambda layer, step: GREEN)]
    captions = [
        f"{layers} layers over {steps} steps. All boxes of a row are <b>one</b> cell with one set of weights,"
        f" used {steps} times."
    ]
    for layer in range(layers):
        for step in range(steps):
            done = layer * steps + step
            frames.append(_network(steps, layers, _computed(steps, done), now=(layer, step)))
            reads = f"<code>x{step}</code>" if layer == 0 else f"layer {layer - 1}'s output at step {step}"
            before = "its initial state" if step == 0 else f"its own state after step {step - 1}"
            captions.append(f"Layer {layer}, step {step}: reads {reads} and {before}.")
    frames.append(_network(steps, layers, lambda layer, step: ORANGE if layer == layers - 1 else GREEN))
    captions.append("<code>output</code>: the last layer's states at <b>every step</b>, stacked.")
    frames.append(_network(steps, layers, lambda layer, step: ORANGE if step == steps - 1 else GREEN))
    captions.append("<code>h_n</code>: <b>every layer's</b> state after the last step, stacked.")
    for step in reversed(range(steps)):
        frames.append(_network(steps, layers, lambda layer, at, step=step: RED if at >= step else FAINT, back=step))
        captions.append(
            f"The gradient of the last output has come back to step {step}"
            + (": every use of the weights adds its share to their gradient." if step == 0 else ".")
        )
    return stepper(frames, captions, "A recurrent network over time")


def _computed(steps: int, done: int) -> Tint:
    return lambda layer, step: GREEN if layer * steps + step <= done else FAINT


def _network(
    steps: int, layers: int, tint: Tint, *, now: tuple[int, int] | None = None, back: int | None = None
) -> Drawing:
    """One frame; `now` is (layer, step) of the cell that is computed, `back` the step that the gradient has reached."""
    bottom = _TOP + layers * _STOREY
    drawing = Drawing(2 * _LEFT + (steps - 1) * _PITCH + _WIDTH, bottom + _HEIGHT + 14)
    for step in range(steps):
        x = _LEFT + step * _PITCH
        _box(drawing, x, bottom, f"x{step}", BLUE if back is None else RED if step >= back else FAINT)
        for layer in range(layers):
            _cell(drawing, x, bottom - (layer + 1) * _STOREY, (layer, step), steps, tint(layer, step), now, back)
        lit = (
            tint(layers - 1, step) if back is None or step == steps - 1 else FAINT
        )  # the loss is one of the last output
        drawing.label(
            x + _WIDTH / 2, _TOP - 40, f"output[{step}]", mono=True, colour=lit.line if lit != FAINT else FAINT.ink
        )
        _way(drawing, (x + _WIDTH / 2, _TOP), (x + _WIDTH / 2, _TOP - 29), lit, reverse=back is not None)
    return drawing


def _cell(
    drawing: Drawing,
    x: float,
    y: float,
    place: tuple[int, int],
    steps: int,
    tone: Tone,
    now: tuple[int, int] | None,
    back: int | None,
) -> None:
    """A cell with what it reads from below and from the left, and at the right end the state that it leaves."""
    layer, step = place
    middle, reverse = y + _HEIGHT / 2, back is not None
    _way(drawing, (x + _WIDTH / 2, y + _STOREY), (x + _WIDTH / 2, y + _HEIGHT), tone, reverse=reverse)
    if step == 0:
        drawing.label(x - 66, middle, f"h0[{layer}]", mono=True)
        _way(drawing, (x - 40, middle), (x, middle), tone, reverse=reverse)
    else:
        _way(drawing, (x - _PITCH + _WIDTH, middle), (x, middle), tone, reverse=reverse)
    if step == steps - 1:
        drawing.label(x + _WIDTH + 68, middle, f"h_n[{layer}]", mono=True)
        _way(drawing, (x + _WIDTH, middle), (x + _WIDTH + 40, middle), FAINT if reverse else tone)
    _box(drawing, x, y, f"cell {layer}", tone, stroke=3 if now == place else 1.2)


def _box(drawing: Drawing, x: float, y: float, text: str, tone: Tone, *, stroke: float = 1.2) -> None:
    drawing.rect(x, y, _WIDTH, _HEIGHT, tone, radius=7, stroke=stroke)
    drawing.label(x + _WIDTH / 2, y + _HEIGHT / 2, text, colour=tone.ink, bold=stroke > 2)


def _way(
    drawing: Drawing, start: tuple[float, float], end: tuple[float, float], tone: Tone, *, reverse: bool = False
) -> None:
    """An arrow in the colour of what has come this far; data goes from start to end, a gradient back."""
    faint = tone == FAINT
    colour = FAINT.line if faint else tone.line if reverse else MUTED
    first, last = (end, start) if reverse and not faint else (start, end)
    drawing.arrow(*first, *last, colour=colour, stroke=2.2 if reverse and not faint else 1.5)
