"""What the CIFAR-10 part must give: images from the files' bytes, mirrored and moved pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def images(data: npt.NDArray[np.uint8]) -> Array:
    """Rows of 3072 bytes, 1024 red, then green, then blue, row by row -> (number, 3, 32, 32) in 0 ... 1."""
    return data.astype(np.float64).reshape(-1, 3, 32, 32) / 255


def transformed(image: Array, transforms: Sequence[Sequence[Any]], draws: np.random.RandomState) -> Array:
    """An image (height, width, channels) after the transforms, which draw as the given code of the assignment does."""
    for name, argument in transforms:
        if name == "mirror":
            image = mirrored(image) if draws.rand() < argument else image
        else:
            rows, columns = draws.randint(low=-argument, high=argument + 1, size=2)
            image = moved(image, int(rows), int(columns))
    return image


def mirrored(image: Array) -> Array:
    """Left for right."""
    return image[:, [*reversed(range(image.shape[1]))]]


def moved(image: Array, rows: int, columns: int) -> Array:
    """Pixel (r, c) is the image's (r + rows, c + columns), or zero where that is outside."""
    out = np.zeros_like(image)
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            if 0 <= r + rows < image.shape[0] and 0 <= c + columns < image.shape[1]:
                out[r, c] = image[r + rows, c + columns]
    return out
