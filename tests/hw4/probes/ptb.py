"""Probes of the Penn Treebank part: the dictionary, the corpus, batchify and get_batch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from probes._common import to_numpy
from probes._layers import places


def dictionary(needle: Any, device: Any, words: list[str]) -> dict[str, Any]:
    """Words added one after the other: the ids they get, and the length before and after each."""
    made = needle.data.Dictionary()
    lengths, ids = [len(made)], []
    for word in words:
        ids.append(int(made.add_word(word)))
        lengths.append(len(made))
    return {"ids": ids, "lengths": lengths}


def dictionary_tables(needle: Any, device: Any, words: list[str]) -> dict[str, Any]:
    """The two tables of a dictionary that these words were added to."""
    made = needle.data.Dictionary()
    for word in words:
        made.add_word(word)
    numbers = sorted([int(number), str(word)] for word, number in made.word2idx.items())
    return {"idx2word": [str(word) for word in made.idx2word], "word2idx": numbers}


def two_dictionaries(needle: Any, device: Any, first: list[str], second: list[str]) -> dict[str, Any]:
    """Two dictionaries, filled one after the other."""
    one, two = needle.data.Dictionary(), needle.data.Dictionary()
    ids = [[int(made.add_word(word)) for word in words] for made, words in ((one, first), (two, second))]
    return {"first": ids[0], "second": ids[1], "lengths": [len(one), len(two)]}


def corpus(needle: Any, device: Any, train: str, test: str, *, max_lines: int | None = None) -> dict[str, Any]:
    """A Corpus of a folder that holds these texts: its ids, and its dictionary's length and id of <eos>."""
    with tempfile.TemporaryDirectory() as folder:
        _write(folder, train, test)
        options = {} if max_lines is None else {"max_lines": max_lines}
        made = needle.data.Corpus(folder, **options)
    size = len(made.dictionary)
    return {
        "train": np.asarray(made.train),
        "test": np.asarray(made.test),
        "dictionary_size": size,
        "eos": int(made.dictionary.add_word("<eos>")),
        "dictionary_size_after_adding_eos": len(made.dictionary),
    }


def batchify(needle: Any, device: Any, data: np.ndarray, *, batch_size: int) -> dict[str, Any]:
    """batchify over a list of ids, as a Corpus gives it."""
    made = needle.data.batchify([int(word) for word in data], batch_size, needle.cpu(), "float32")
    return {"type": type(made).__name__, "batches": to_numpy(made)}


def get_batch(needle: Any, device: Any, batches: np.ndarray, *, i: int, bptt: int) -> dict[str, Any]:
    """One chunk and its targets."""
    X, y = needle.data.get_batch(batches, i, bptt, device=device, dtype="float32")
    tensors = all(isinstance(part, needle.Tensor) for part in (X, y))
    answer = {"X": to_numpy(X), "y": to_numpy(y), "are_tensors": tensors}
    return {**answer, **places([X, y])} if tensors else answer


def epoch(needle: Any, device: Any, text: str, *, batch_size: int, bptt: int) -> dict[str, Any]:
    """A whole epoch over a text's training file: the corpus, batchify, and every chunk."""
    with tempfile.TemporaryDirectory() as folder:
        _write(folder, text, text)
        made = needle.data.Corpus(folder)
    batches = needle.data.batchify(made.train, batch_size, device, "float32")
    starts = range(0, len(batches) - 1, bptt)
    chunks = [needle.data.get_batch(batches, i, bptt, device=device, dtype="float32") for i in starts]
    return {"X": [to_numpy(X) for X, _ in chunks], "y": [to_numpy(y) for _, y in chunks]}


def _write(folder: str, train: str, test: str) -> None:
    """The files of the real data set, among them one that is not to be read."""
    for name, text in (("train.txt", train), ("test.txt", test), ("valid.txt", "these words are not asked for\n")):
        Path(folder, name).write_text(text, encoding="utf-8", newline="")
