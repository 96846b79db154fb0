"""CIFAR-10: colour images of 32x32 pixels in 10 classes, in pickled batch files ("python version").

Each file is a dict with `b"data"`, uint8 (number, 3072): an image's 1024 red, then green, then blue values,
row by row; and `b"labels"`, a list of as many class numbers. Source:
https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from needle.data.data_basic import Dataset

TRAIN_FILES = tuple(f"data_batch_{k}" for k in range(1, 6))
TEST_FILES = ("test_batch",)


def _latin1_bytes(text: str, encoding: str) -> bytes:
    """Bytes as protocol 2 spells them; latin-1 only, for `_codecs.encode` would run decompressors too."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes encoded as {encoding!r}; expected latin1")
    return text.encode("latin-1")


# A pickle may name any function of any module and have it called, so a tampered batch file could do anything
# to whoever loads it. These names are all that lists, bytes and arrays need. NumPy 2 renamed numpy.core to
# numpy._core; the original files say the one, files written today the other. The functions are taken from
# NumPy's own reductions, so that each NumPy reads both.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1_bytes,
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = np.zeros(1).__reduce__()[0]
    _ALLOWED[f"{_core}.multiarray", "scalar"] = np.int64(1).__reduce__()[0]
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = np.zeros(1).__reduce_ex__(5)[0]

_HOW_TO_GET_IT = "`python apps/download_dataset.py` downloads the data sets into data/."
# What pickle raises on bytes that are none of its own, and what a pickle of something else then runs into.
_DAMAGED = (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, AttributeError, IndexError)


class _ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of plain data and NumPy arrays, and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ALLOWED[module, name]


def read_batch_file(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """One batch file's data, uint8 (number, 3072), and labels, int64 (number,). Given.

    Raises FileNotFoundError where there is none, and ValueError where the file is damaged or no CIFAR-10
    batch.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"CIFAR10Dataset: there is no file {path}. {_HOW_TO_GET_IT}")
    try:
        with open(path, "rb") as file:
            batch = _ArrayUnpickler(file, encoding="bytes").load()
        data, labels = np.asarray(batch[b"data"]), np.asarray(batch[b"labels"]).astype(np.int64)
    except _DAMAGED as error:
        why = f"{type(error).__name__}: {error}"
        raise ValueError(f"CIFAR10Dataset: {path} is no CIFAR-10 batch file ({why}). {_HOW_TO_GET_IT}") from error
    if data.dtype != np.uint8 or labels.ndim != 1 or data.shape != (labels.size, 3 * 32 * 32):
        raise ValueError(
            f"CIFAR10Dataset: {path} holds data of shape {data.shape}, {data.dtype}, and labels of shape "
            f"{labels.shape}; expected (n, 3072), uint8, and (n,). {_HOW_TO_GET_IT}"
        )
    return data, labels


class CIFAR10Dataset(Dataset):
    """The images of data_batch_1 ... data_batch_5, in that order, or with `train=False` of test_batch.

    - `base_folder`: the folder of the batch files, such as data/cifar-10-batches-py. The files decide how
      many images there are.
    - `X`: float32 (number, 3, 32, 32), channels first, pixels divided by 255 to lie in 0 ... 1; `y`: the
      labels, (number,).
    - Item i is (image float32 (3, 32, 32), label), the image after the transforms. A slice or an array of
      indices gives the images (n, 3, 32, 32), each transformed by itself, and the labels (n,).
    - Transforms work on images (height, width, channels). An item is turned to (32, 32, 3) for them and back
      to (3, 32, 32).
    - `p` is not used: each transform carries its own probability. It stays for the callers that pass it.
    """

    def __init__(
        self,
        base_folder: str | Path,
        train: bool,
        p: float = 0.5,
        transforms: Sequence[Callable[[np.ndarray], np.ndarray]] | None = None,
    ):
        super().__init__(transforms)
        folder = Path(base_folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"CIFAR10Dataset: there is no folder {folder}. {_HOW_TO_GET_IT}")
        files = [folder / name for name in (TRAIN_FILES if train else TEST_FILES)]
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("CIFAR10Dataset.__init__ is yours to write (python/needle/data/datasets/cifar10_dataset.py)")
        ### END YOUR SOLUTION

    def __len__(self) -> int:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("CIFAR10Dataset.__len__ is yours to write (python/needle/data/datasets/cifar10_dataset.py)")
        ### END YOUR SOLUTION

    def __getitem__(self, index: Any) -> tuple[np.ndarray, Any]:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("CIFAR10Dataset.__getitem__ is yours to write (python/needle/data/datasets/cifar10_dataset.py)")
        ### END YOUR SOLUTION

    ### BEGIN YOUR SOLUTION
    ### END YOUR SOLUTION
