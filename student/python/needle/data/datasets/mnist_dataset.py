"""MNIST: handwritten digits, in two gzipped idx files.

An idx file is big-endian: a magic number, the size of each axis as 32-bit integers, then the bytes, last axis
fastest. Images: magic 2051, three sizes (number, rows, columns); labels: magic 2049, one size (number).
Source: http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from needle.data.data_basic import Dataset


def _check_files(*names: str) -> None:
    for name in names:
        if not Path(name).is_file():
            raise FileNotFoundError(f"MNISTDataset: there is no file {name}; expected a gzipped idx file.")


class MNISTDataset(Dataset):
    """The images and labels of two files, of any number and size.

    - `X`: float32 (number, rows, columns, 1), pixels divided by 255 to lie in 0 ... 1; `y`: the labels,
      (number,).
    - Item i is (image (rows, columns, 1), label), the image after the transforms. A slice or an array of
      indices gives the images (n, rows, columns, 1), each transformed by itself, and the labels (n,).
    """

    def __init__(
        self,
        image_filename: str,
        label_filename: str,
        transforms: Sequence[Callable[[np.ndarray], np.ndarray]] | None = None,
    ):
        super().__init__(transforms)
        _check_files(image_filename, label_filename)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("MNISTDataset.__init__ is yours to write (python/needle/data/datasets/mnist_dataset.py)")
        ### END YOUR SOLUTION

    def __len__(self) -> int:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("MNISTDataset.__len__ is yours to write (python/needle/data/datasets/mnist_dataset.py)")
        ### END YOUR SOLUTION

    def __getitem__(self, index: Any) -> tuple[np.ndarray, Any]:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("MNISTDataset.__getitem__ is yours to write (python/needle/data/datasets/mnist_dataset.py)")
        ### END YOUR SOLUTION


### BEGIN YOUR SOLUTION
### END YOUR SOLUTION
