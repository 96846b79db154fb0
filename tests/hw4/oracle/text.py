"""What the Penn Treebank part must give: ids, columns and chunks of a text, counted here word by word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

EOS = "<eos>"


@dataclass(frozen=True)
class Corpus:
    """A text's ids."""

    train: list[int]
    test: list[int]
    words: list[str]  # by id: in the order of first appearance, train before test


def corpus(train: str, test: str, max_lines: int | None = None) -> Corpus:
    """The ids of two texts; every line, also an empty one, ends with `<eos>`."""
    words: list[str] = []
    ids: dict[str, int] = {}
    texts = []
    for text in (train, test):
        lines = text.split("\n")
        if lines[-1] == "":  # what follows the last line's end is no line
            lines.pop()
        numbers = []
        for line in lines[:max_lines]:
            for word in [*line.split(), EOS]:
                if word not in ids:
                    ids[word] = len(words)
                    words.append(word)
                numbers.append(ids[word])
        texts.append(numbers)
    return Corpus(texts[0], texts[1], words)


def columns(data: npt.ArrayLike, batch_size: int) -> npt.NDArray[Any]:
    """Element (row, column) is word column * rows + row of the text; what does not fill a row is dropped."""
    words = np.asarray(data)
    rows = len(words) // batch_size
    place = np.arange(rows)[:, None] + rows * np.arange(batch_size)[None, :]
    return words[place]


def chunk(batches: npt.NDArray[Any], i: int, bptt: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """X (len, batch) and y (len*batch,), one step later; len = min(bptt, rows - 1 - i)."""
    length = min(bptt, len(batches) - 1 - i)
    return batches[i : i + length], batches[i + 1 : i + 1 + length].flatten()
