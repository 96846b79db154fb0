"""Random changes of an image (height, width, channels), for more varied training data.

They draw from NumPy's global generator, so a seed repeats them.
"""

from __future__ import annotations

import numpy as np


class Transform:
    """Base of the transforms: a function from one image to another."""

    def __call__(self, img: np.ndarray) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__}.__call__")


def _check_image(transform: str, img: np.ndarray) -> None:
    if np.ndim(img) != 3:
        raise ValueError(f"{transform}: the image has shape {np.shape(img)}; expected (height, width, channels).")


class RandomFlipHorizontal(Transform):
    """Mirrors the image, left for right, with probability p."""

    def __init__(self, p: float = 0.5):
        if not 0 <= p <= 1:
            raise ValueError(f"RandomFlipHorizontal: p is {p}; expected a probability, 0 <= p <= 1.")
        self.p = p

    def __call__(self, img: np.ndarray) -> np.ndarray:
        """(H, W, C) -> (H, W, C): the row of pixels a b c becomes c b a where `flip` is true."""
        _check_image("RandomFlipHorizontal", img)
        flip = np.random.rand() < self.p
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("RandomFlipHorizontal.__call__ is yours to write (python/needle/data/data_transforms.py)")
        ### END YOUR SOLUTION


class RandomCrop(Transform):
    """Moves the image by up to `padding` pixels either way; what comes in at the edges is zero."""

    def __init__(self, padding: int = 3):
        if padding < 0:
            raise ValueError(f"RandomCrop: padding is {padding}; expected at least 0.")
        self.padding = padding

    def __call__(self, img: np.ndarray) -> np.ndarray:
        """(H, W, C) -> (H, W, C): pad height and width with zeros, then cut out an image of the old size.

        There are `padding` rows or columns of zeros on every side.
        The cut begins at row padding + shift_x and column padding + shift_y. So shift_x = 1 moves the image
        up by one row and the last row is zero; both shifts 0 give the image itself.
        """
        _check_image("RandomCrop", img)
        shift_x, shift_y = np.random.randint(low=-self.padding, high=self.padding + 1, size=2)
        ### BEGIN YOUR SOLUTION
        raise NotImplementedError("RandomCrop.__call__ is yours to write (python/needle/data/data_transforms.py)")
        ### END YOUR SOLUTION
