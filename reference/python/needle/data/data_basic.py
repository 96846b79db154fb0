"""Dataset, the items of a data set by number, and DataLoader, its batches as tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from needle.autograd import Tensor


class Dataset:
    """Base of the data sets: `dataset[i]` is item i, a tuple of NumPy arrays or numbers; `len` counts them.

    `transforms` is a list of functions from one image (height, width, channels) to another, applied in order.
    """

    def __init__(self, transforms: Sequence[Callable[[np.ndarray], np.ndarray]] | None = None):
        self.transforms = list(transforms or ())

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}.__getitem__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}.__len__")

    def apply_transforms(self, x: np.ndarray) -> np.ndarray:
        """One image through every transform."""
        for transform in self.transforms or ():  # a data set of earlier code may hold None here
            x = transform(x)
        return x


def collate_ndarray(samples: Sequence[Any], device=None, dtype="float32") -> tuple[Tensor, ...]:
    """A batch of n items (x, y, ...): the tensors (n, *x.shape), (n, *y.shape), ..., without gradients."""
    ### BEGIN YOUR SOLUTION
    rows = [sample if isinstance(sample, tuple) else (sample,) for sample in samples]
    fields = (np.stack([np.asarray(part) for part in field]) for field in zip(*rows, strict=True))
    return tuple(Tensor(field, device=device, dtype=dtype, requires_grad=False) for field in fields)
    ### END YOUR SOLUTION


class DataLoader:
    """Walks over a data set in batches; each epoch is one `for` loop over the loader.

    - Without shuffle the batches go through the items in order; with shuffle every epoch (every
      `iter(loader)`) draws a new `np.random.permutation(len(dataset))` and goes through the items in that
      order.
    - The last batch may be short: 10 items in batches of 4 are 4, 4 and 2. `drop_last=True` leaves a short
      one out.
    - A batch is what `collate_fn(items, device=device, dtype=dtype)` makes of its items: a tuple of tensors,
      with the batch axis first, one for each part of an item.
    - `len(loader)` is the number of batches.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 1,
        shuffle: bool = False,
        collate_fn: Callable[..., Any] = collate_ndarray,
        drop_last: bool = False,
        device=None,
        dtype="float32",
    ):
        if batch_size < 1:
            raise ValueError(f"DataLoader: batch_size is {batch_size}; expected at least 1.")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.device = device
        self.dtype = dtype

    def __len__(self) -> int:
        ### BEGIN YOUR SOLUTION
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)
        ### END YOUR SOLUTION

    def __iter__(self) -> Iterator[Any]:
        """An iterator over one epoch's batches: return a generator, or `self` and write `__next__` too."""
        ### BEGIN YOUR SOLUTION
        count = len(self.dataset)
        order = np.random.permutation(count) if self.shuffle else np.arange(count)
        starts = range(0, len(self) * self.batch_size, self.batch_size)
        return (self._batch(order[start : start + self.batch_size]) for start in starts)
        ### END YOUR SOLUTION

    ### BEGIN YOUR SOLUTION
    def _batch(self, indices: np.ndarray) -> Any:
        items = [self.dataset[int(i)] for i in indices]
        return self.collate_fn(items, device=self.device, dtype=self.dtype)

    ### END YOUR SOLUTION
