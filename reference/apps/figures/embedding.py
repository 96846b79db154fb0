"""One-hot rows times a weight: how an embedding picks the rows of its weight."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from .stepper import Figure, stepper
from .svg import MUTED, PLAIN, SERIES, Drawing, Tone

_SIDE = 38.0


def rows_picked(one_hot: np.ndarray, weight: np.ndarray, words: Sequence[str]) -> Figure:
    """The product of `one_hot` (n, words) and `weight` (words, dim), row by row; `words` names the weight's rows."""
    one_hot, weight = np.asarray(one_hot, dtype=float), np.asarray(weight, dtype=float)
    if one_hot.ndim != 2 or weight.ndim != 2 or one_hot.shape[1] != len(weight) or len(words) != len(weight):
        raise ValueError(
            f"one_hot has shape {one_hot.shape}, weight {weight.shape}, and there are {len(words)} words; "
            "expected (n, words) and (words, dim)"
        )
    if not ((one_hot == 0) | (one_hot == 1)).all() or not (one_hot.sum(axis=1) == 1).all():
        raise ValueError("each row of one_hot must hold a single 1 and be 0 elsewhere")
    picked = one_hot.argmax(axis=1)
    frames = [_product(one_hot, weight, words, picked, row) for row in range(len(one_hot))]
    captions = [
        f"Row {row} has its 1 at {word}, so the product picks row {word} of the weight:"
        f" the vector of <b>{escape(words[word])}</b>."
        for row, word in enumerate(picked)
    ]
    return stepper(frames, captions, "One-hot rows pick rows of the weight")


def _product(one_hot: np.ndarray, weight: np.ndarray, words: Sequence[str], picked: np.ndarray, now: int) -> Drawing:
    n, count = one_hot.shape
    dim = weight.shape[1]
    height = max(n, count) * _SIDE + 60
    left, middle = 30.0, 30 + count * _SIDE + 120
    right = middle + dim * _SIDE + 70
    drawing = Drawing(right + dim * _SIDE + 30, height)

    def matrix(x: float, values: np.ndarray, name: str, tones: dict[tuple[int, int], Tone]) -> None:
        y = 40 + (max(n, count) - len(values)) * _SIDE / 2
        drawing.cells(x, y, values, tones, cell=_SIDE)
        drawing.label(x + values.shape[1] * _SIDE / 2, 16, f"{name} {values.shape}", size=12, colour=MUTED)

    word = picked[now]
    tone = SERIES[now % len(SERIES)]
    matrix(left, one_hot, "one-hot", {(now, k): tone if k == word else PLAIN for k in range(count)})
    drawing.rect(
        left - 2,
        40 + (max(n, count) - n) * _SIDE / 2 + now * _SIDE - 1,
        count * _SIDE + 4,
        _SIDE + 2,
        tone,
        hollow=True,
        stroke=2,
    )
    matrix(middle, weight, "weight", {(word, k): tone for k in range(dim)})
    for k, name in enumerate(words):
        y = 40 + (max(n, count) - count) * _SIDE / 2 + (k + 0.5) * _SIDE
        drawing.label(middle - 10, y, name, anchor="end", bold=k == word, colour=tone.line if k == word else MUTED)
    result = one_hot @ weight
    shown = {(row, k): SERIES[row % len(SERIES)] for row in range(now + 1) for k in range(dim)}
    matrix(
        right,
        np.array([[v if row <= now else "" for v in line] for row, line in enumerate(result)], dtype=object),
        "product",
        shown,
    )
    centre = 40 + max(n, count) * _SIDE / 2
    drawing.label(left + count * _SIDE + 30, centre, "@", size=18)
    drawing.label(right - 35, centre, "=", size=18)
    return drawing
