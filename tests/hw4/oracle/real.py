"""The real data sets, where they are: in the folder NEEDLE_DATA, or in data/ at the repository's root.

Cases on real data are collected only where the data is, and weigh next to nothing: no grade may depend on whether
somebody downloaded 170 MB. The judge reads the files and sends a part of them; a submission never sees the folder.
"""

from __future__ import annotations

import io
import os
import pickle
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.errors import UsageError

WEIGHT = 0.01  # of a case on real data, where a synthetic one weighs about 1
CIFAR10_FILES = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
PTB_FILES = ("train.txt", "test.txt")
_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class BatchFile:
    """One of CIFAR-10's files."""

    content: bytes  # the pickle, as it is on the disk
    data: npt.NDArray[np.uint8]  # (number, 3072)
    labels: list[int]


def has_cifar10() -> bool:
    """Whether all six batch files are there."""
    return all((_folder("cifar-10-batches-py") / name).is_file() for name in CIFAR10_FILES)


def cifar10(name: str) -> BatchFile:
    """The batch file of that name. Raises UsageError where it is damaged."""
    file = _folder("cifar-10-batches-py") / name
    content = file.read_bytes()
    try:
        batch = _Plain(content).load()
        return BatchFile(content, np.asarray(batch[b"data"]), [int(label) for label in batch[b"labels"]])
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{file} is no CIFAR-10 batch file ({error}); remove it, or download it again.") from None


def has_ptb() -> bool:
    """Whether the texts are there."""
    return all((_folder("ptb") / name).is_file() for name in PTB_FILES)


def ptb(lines: int) -> tuple[str, str]:
    """The first lines of train.txt and of test.txt."""
    texts = []
    for name in PTB_FILES:
        with open(_folder("ptb") / name, encoding="utf-8", newline="\n") as file:
            texts.append("".join(islice(file, lines)))
    return texts[0], texts[1]


def _folder(name: str) -> Path:
    return Path(os.environ.get("NEEDLE_DATA") or _ROOT / "data") / name


class _Plain(pickle.Unpickler):
    """Reads plain data and arrays only: a downloaded pickle must not be able to run code in the judge."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes in protocol 2
            return lambda text, encoding: text.encode("latin1")
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return np.zeros(1).__reduce__()[0]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")
