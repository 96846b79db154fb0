"""Truncated backpropagation through time: the state goes on from chunk to chunk, the gradient does not."""

from __future__ import annotations

from collections.abc import Sequence

from .stepper import Figure, stepper
from .svg import BLUE, FAINT, GREEN, INK, MUTED, RED, Drawing

_LEFT, _PITCH, _SIDE = 70.0, 62.0, 36.0  # where the first cell stands, cell to cell, a cell's width and height
_GAP = 44.0  # between two chunks
_ROW = 78.0  # where the cells stand


def truncated_backpropagation(chunks: int = 3, steps: int = 4) -> Figure:
    """Forward and backward through `chunks` chunks of `steps` words, and what would happen without detaching."""
    if chunks < 2 or steps < 1:
        raise ValueError(f"the figure needs at least 2 chunks of 1 step, and got chunks={chunks}, steps={steps}")
    frames = [_text(chunks, steps, forward=chunks - 1, backward=range(chunks))]
    captions = ["The state (green) goes on from chunk to chunk. Each chunk's gradient (red) stays within the chunk."]
    for chunk in range(chunks):
        begins = "without a state" if chunk == 0 else f"with the numbers that chunk {chunk - 1} ended with"
        frames.append(_text(chunks, steps, forward=chunk))
        captions.append(f"Chunk {chunk}, forward: it begins {begins}.")
        frames.append(_text(chunks, steps, forward=chunk, backward=[chunk]))
        captions.append(
            f"Chunk {chunk}, backward: the gradient ends where the chunk begins"
            + ("." if chunk == 0 else ", because its first state was <b>detached</b>.")
            + " Then the optimizer takes a step."
        )
    frames.append(_text(chunks, steps, forward=chunks - 1, backward=range(chunks), detached=False))
    captions.append(
        "Not detached: the last chunk's gradient goes through the whole text, and all of its graph stays in memory."
        " Each chunk is slower than the one before."
    )
    return stepper(frames, captions, "Truncated backpropagation through time")


def _text(chunks: int, steps: int, *, forward: int, backward: Sequence[int] = (), detached: bool = True) -> Drawing:
    """One frame: the chunks up to `forward` have been read, those in `backward` get gradients."""
    width = 2 * _LEFT + chunks * steps * _PITCH + (chunks - 1) * _GAP - (_PITCH - _SIDE)
    drawing = Drawing(width, 206)
    middle = _ROW + _SIDE / 2
    for chunk in range(chunks):
        left = _LEFT + chunk * (steps * _PITCH + _GAP)
        right = left + (steps - 1) * _PITCH + _SIDE
        now = chunk == forward and len(backward) < 2
        drawing.label((left + right) / 2, 24, f"chunk {chunk}", bold=now, colour=INK if chunk <= forward else FAINT.ink)
        for step in range(steps):
            x = left + step * _PITCH
            tone = FAINT if chunk > forward else GREEN
            if step:
                _forward(drawing, x - _PITCH + _SIDE, x, middle, tone is GREEN)
            if step and chunk in backward:
                drawing.arrow(x, _ROW + 28, x - _PITCH + _SIDE, _ROW + 28, colour=RED.line, stroke=2.2)
            drawing.rect(x, _ROW, _SIDE, _SIDE, RED if chunk in backward else tone, radius=7, stroke=1.2)
            drawing.label(x + _SIDE / 2, middle, "h", colour=tone.ink)
            word = BLUE if chunk <= forward else FAINT
            drawing.rect(x, _ROW + 76, _SIDE, 26, word, radius=4)
            drawing.label(x + _SIDE / 2, _ROW + 89, "x", colour=word.ink)
            drawing.arrow(
                x + _SIDE / 2, _ROW + 76, x + _SIDE / 2, _ROW + _SIDE, colour=MUTED if tone is GREEN else FAINT.line
            )
            drawing.arrow(x + _SIDE / 2, _ROW, x + _SIDE / 2, _ROW - 26, colour=MUTED if tone is GREEN else FAINT.line)
        if chunk:
            _border(drawing, left, middle, chunk <= forward, cut=detached, back=chunk in backward)
    drawing.label(_LEFT - 14, _ROW - 32, "loss", anchor="end", colour=MUTED)
    return drawing


def _forward(drawing: Drawing, start: float, end: float, middle: float, lit: bool) -> None:
    # above the middle: a gradient's arrow fits below it
    drawing.arrow(
        start, middle - 9, end, middle - 9, colour=GREEN.line if lit else FAINT.line, stroke=2 if lit else 1.5
    )


def _border(drawing: Drawing, left: float, middle: float, lit: bool, *, cut: bool, back: bool) -> None:
    """Between two chunks: the state passes; the gradient only where nothing was detached."""
    before = left - (_PITCH - _SIDE) - _GAP
    centre = (before + left) / 2
    _forward(drawing, before, left, middle, lit)
    if back:
        drawing.arrow(left, _ROW + 28, centre + 2 if cut else before, _ROW + 28, colour=RED.line, stroke=2.2)
    if cut:
        drawing.line(centre, 40, centre, 160, colour=RED.line if lit else FAINT.line, dashed=True)
        drawing.label(centre, 174, "detach", size=12, colour=RED.line if lit else FAINT.ink, mono=True)
