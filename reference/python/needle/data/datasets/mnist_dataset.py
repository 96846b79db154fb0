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
        images = _read_idx(image_filename, magic=2051, axes=3)
        labels = _read_idx(label_filename, magic=2049, axes=1)
        if len(images) != len(labels):
            raise ValueError(f"MNISTDataset: {len(images)} images but {len(labels)} labels; expected as many.")
        self.X = images[..., np.newaxis].astype(np.float32) / np.float32(255)
        self.y = labels.astype(np.int64)
        ### END YOUR SOLUTION

    def __len__(self) -> int:
        ### BEGIN YOUR SOLUTION
        return len(self.X)
        ### END YOUR SOLUTION

    def __getitem__(self, index: Any) -> tuple[np.ndarray, Any]:
        ### BEGIN YOUR SOLUTION
        images, labels = self.X[index], self.y[index]
        if not self.transforms:
            return images, labels
        if images.ndim == 3:
            return self.apply_transforms(images), labels
        return np.stack([self.apply_transforms(image) for image in images]), labels
        ### END YOUR SOLUTION


### BEGIN YOUR SOLUTION
def _read_idx(filename: str, magic: int, axes: int) -> np.ndarray:
    """The bytes of an idx file, in the shape its header gives."""
    with gzip.open(filename, "rb") as file:
        content = file.read()
    start = 4 * (1 + axes)
    found = int.from_bytes(content[:4], "big")
    if found != magic or len(content) < start:
        raise ValueError(
            f"MNISTDataset: {filename} holds {len(content)} bytes and begins with magic number {found}; "
            f"expected a header of {start} bytes with magic number {magic}."
        )
    shape = struct.unpack(f">{axes}I", content[4:start])
    values = np.frombuffer(content, dtype=np.uint8, offset=start)
    if values.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"MNISTDataset: {filename} holds {values.size} bytes of data; its header says {shape}.")
    return values.reshape(shape)


### END YOUR SOLUTION
