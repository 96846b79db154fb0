"""The notebook's figures of parts 4 to 7: they draw what they are given, and refuse what they cannot draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from drawings import figures, texts

LETTERS = np.array([list(row) for row in ("agms", "bhnt", "ciou", "djpv", "ekqw", "flrx")])
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
UNIT = {name: np.linspace(-1, 1, 5) for name in ("value", "i", "f", "g", "o", "c", "h")}


def test_rnn_over_time_shows_each_cell_once_computed_and_the_way_back() -> None:
    """3 steps of 2 layers: the whole, 6 cells, what is returned, and 3 steps back."""
    figure = figures("unrolled").rnn_over_time(steps=3, layers=2)
    assert len(figure.frames) == len(figure.captions) == 1 + 6 + 2 + 3
    for frame in figure.frames:
        assert [text for text in texts(frame) if text.startswith("output")] == ["output[0]", "output[1]", "output[2]"]
        assert {"h0[0]", "h0[1]", "h_n[0]", "h_n[1]"} <= set(texts(frame))
    assert "layer 0's output at step 1" in figure.captions[1 + 3 + 1]


def test_truncated_backpropagation_cuts_between_chunks_but_for_the_last_frame() -> None:
    """`detach` stands at every border; in the last frame at none."""
    figure = figures("truncated").truncated_backpropagation(chunks=3, steps=2)
    assert len(figure.frames) == 1 + 2 * 3 + 1
    assert [texts(frame).count("detach") for frame in figure.frames] == [2] * 7 + [0]


def test_lstm_cell_has_the_gates_in_their_order() -> None:
    """i, f, g, o from left to right, in every frame."""
    for frame in figures("gates").lstm_cell().frames:
        assert [text for text in texts(frame) if text in ("i", "f", "g", "o")] == ["i", "f", "g", "o"]


def test_gates_over_time_tells_each_step_with_its_numbers() -> None:
    """All steps first, then each with the memory before it: none before the first."""
    figure = figures("gates").gates_over_time(UNIT)
    assert len(figure.frames) == 6
    assert texts(figure.frames[0]).count("0.5") == len(UNIT)
    assert texts(figure.frames[1]).count("0.5") == 0
    assert "c' = f*c + i*g = −1 · 0 + −1 · (−1) = −1" in figure.captions[1]  # noqa: RUF001 (a typographical minus)
    assert "c' = f*c + i*g = 1 · 0.5 + 1 · 1 = 1" in figure.captions[5]


def test_gates_over_time_draws_nan() -> None:
    """A wrong step of a student's is to be seen, too."""
    figure = figures("gates").gates_over_time({**UNIT, "h": np.full(5, np.nan)})
    assert texts(figure.frames[0]).count("nan") == 5


def test_text_in_columns_says_what_is_dropped() -> None:
    """y and z do not fill a row."""
    figure = figures("text_batches").text_in_columns(ALPHABET, LETTERS)
    assert len(figure.frames) == 1 + 5
    assert "from <b>s</b> to <b>x</b>" in figure.captions[-1]
    assert "<b>y z</b>, is dropped" in figure.captions[-1]


def test_chunks_of_text_draws_right_chunks_and_wrong_ones() -> None:
    """X over y, letter by letter; letters that are nowhere in the text are shown all the same."""
    chunks = [(LETTERS[:2], LETTERS[1:3].ravel()), (np.array([["?"]]), np.array(["!"]))]
    figure = figures("text_batches").chunks_of_text(LETTERS, chunks)
    assert texts(figure.frames[0]).count("b") == 3  # in the text, in X and in y
    assert {"?", "!"} <= set(texts(figure.frames[1]))
    assert "X has shape (2, 4)" in figure.captions[0]


def test_rows_picked_names_the_words_safely() -> None:
    """A word such as <eos> is text, and no element of the page."""
    figure = figures("embedding").rows_picked(np.eye(3)[[2, 0]], np.arange(6).reshape(3, 2), ["the", "cat", "<eos>"])
    assert "picks row 2" in figure.captions[0]
    assert "&lt;eos&gt;" in figure.captions[0]
    assert "<eos>" in texts(figure.frames[0])


@pytest.mark.parametrize(
    ("module", "function", "arguments", "sentence"),
    [
        ("unrolled", "rnn_over_time", (1, 2), "steps=1"),
        ("truncated", "truncated_backpropagation", (1, 4), "chunks=1"),
        ("gates", "gates_over_time", ({"i": [0.0], "c": [0.0]},), "no f, g, o, h"),
        ("gates", "gates_over_time", ({**UNIT, "o": [0.0]},), "the shapes are"),
        ("text_batches", "text_in_columns", ("abab", np.array([["a", "b"]])), "all different"),
        ("text_batches", "chunks_of_text", (np.array(["a", "b"]), []), r"shape \(2,\)"),
        ("embedding", "rows_picked", (np.ones((1, 2)), np.ones((2, 1)), ["a", "b"]), "a single 1"),
        ("embedding", "rows_picked", (np.eye(2), np.ones((3, 1)), ["a", "b"]), r"weight \(3, 1\)"),
    ],
)
def test_figures_refuse_what_they_cannot_draw(
    module: str, function: str, arguments: tuple[Any, ...], sentence: str
) -> None:
    """A sentence names what was given."""
    with pytest.raises(ValueError, match=sentence):
        getattr(figures(module), function)(*arguments)
