"""A data set from arrays in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from needle.data.data_basic import Dataset


class NDArrayDataset(Dataset):
    """Arrays of equal length, side by side: item i is the tuple (arrays[0][i], arrays[1][i], ...).

    Example: `NDArrayDataset(images, labels)[3]` is (images[3], labels[3]); its length is len(images).
    """

    def __init__(self, *arrays: np.ndarray):
        super().__init__()
        lengths = [len(array) for array in arrays]
        if len(set(lengths)) != 1:
            raise ValueError(f"NDArrayDataset: the arrays have lengths {lengths}; expected one length for all.")
        self.arrays = arrays

    def __len__(self) -> int:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("NDArrayDataset.__len__ is yours to write (python/needle/data/datasets/ndarray_dataset.py)")
        ### END YOUR SOLUTION

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("NDArrayDataset.__getitem__ is yours to write (python/needle/data/datasets/ndarray_dataset.py)")
        ### END YOUR SOLUTION
