"""Penn Treebank: a text as one long row of word ids, cut into columns and chunks for a language model.

A folder holds train.txt and test.txt, a sentence a line, words separated by blanks.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from needle.autograd import Tensor

EOS = "<eos>"


class Dictionary:
    """Words and their ids. Ids count from 0 in the order in which words are added.

    - `word2idx`: word -> id; `idx2word`: the list of words, so that `idx2word[word2idx[w]] == w`.
    - `add_word(word)` gives the word's id, a new one where the word is new. `len(dictionary)` counts the
      words.
    Example: adding a, b, a gives 0, 1, 0, and the length is 2.
    """

    def __init__(self) -> None:
        self.word2idx: dict[str, int] = {}
        self.idx2word: list[str] = []

    def add_word(self, word: str) -> int:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Dictionary.add_word is yours to write (python/needle/data/datasets/ptb_dataset.py)")
        ### END YOUR SOLUTION

    def __len__(self) -> int:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Dictionary.__len__ is yours to write (python/needle/data/datasets/ptb_dataset.py)")
        ### END YOUR SOLUTION


class Corpus:
    """The word ids of base_dir/train.txt, the list `train`, then of base_dir/test.txt, the list `test`.

    Both files share one `dictionary`, so that a word has one id. `max_lines` takes only the first lines of
    each file.
    """

    def __init__(self, base_dir: str | Path, max_lines: int | None = None):
        self.dictionary = Dictionary()
        self.train = self.tokenize(Path(base_dir) / "train.txt", max_lines)
        self.test = self.tokenize(Path(base_dir) / "test.txt", max_lines)

    def tokenize(self, path: str | Path, max_lines: int | None = None) -> list[int]:
        """The ids of a file's words, each line ended by the id of `<eos>`; new words are added.

        Example: the lines "a b" and "b" give [0, 1, 2, 1, 2], where 2 is `<eos>`.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(
                f"Corpus: there is no file {path}. "
                "`python apps/download_dataset.py` downloads the data sets into data/."
            )
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("Corpus.tokenize is yours to write (python/needle/data/datasets/ptb_dataset.py)")
        ### END YOUR SOLUTION


def batchify(data: Sequence[int], batch_size: int, device=None, dtype="float32") -> np.ndarray:
    """Cut a text into columns that a model reads side by side: (n,) -> NumPy (n // batch_size, batch_size).

    Column k is the k-th stretch of consecutive words; what is left over at the end is dropped. The 26 letters
    in 4 columns:

        a g m s
        b h n t
        c i o u
        d j p v
        e k q w
        f l r x

    Columns are independent, so "g follows f" cannot be learned. `device` is not used: the result is a NumPy
    array.
    """
    if batch_size < 1:
        raise ValueError(f"batchify: batch_size is {batch_size}; expected at least 1.")
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("batchify is yours to write (python/needle/data/datasets/ptb_dataset.py)")
    ### END YOUR SOLUTION


def get_batch(batches: np.ndarray, i: int, bptt: int, device=None, dtype="float32") -> tuple[Tensor, Tensor]:
    """The chunk of text from row i on, and the words that follow each of its words, as tensors.

    batches (nbatch, batch) from `batchify` -> X (len, batch) and y (len*batch,), where len = min(bptt, nbatch
    - 1 - i): rows i ... i+len-1, and rows i+1 ... i+len flattened row by row. With the letters above,
    get_batch(letters, 0, 2) is X = [[a g m s], [b h n t]] and y = [b h n t c i o u].
    """
    if bptt < 1:
        raise ValueError(f"get_batch: bptt is {bptt}; expected at least 1.")
    if not 0 <= i < len(batches) - 1:
        raise ValueError(
            f"get_batch: i is {i} for {len(batches)} rows; expected 0 ... {len(batches) - 2}, a row with one after it."
        )
    ### BEGIN YOUR SOLUTION
    raise NotImplementedError("get_batch is yours to write (python/needle/data/datasets/ptb_dataset.py)")
    ### END YOUR SOLUTION
