"""Synthetic images of ten classes, 3x32x32 as CIFAR-10's: shapes and patterns that a small network can learn.

Every image is one class's figure in one colour over a background of another, moved, turned, scaled and dimmed at
random, with noise. A class has a hue that it prefers, so that even a classifier of mean colours beats chance; the
hues overlap, so that only the form tells the classes apart well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SIZE = 32
_Grid = np.ndarray  # float64 (n, 32, 32): a value for every pixel of n images


def _star(u: _Grid, v: _Grid) -> _Grid:
    """Inside a star of five points: the radius at which its edge lies swings with the angle."""
    fraction = np.abs((np.arctan2(v, u) * 5 / (2 * np.pi)) % 1 * 2 - 1)  # 1 at a point, 0 between two
    return 0.38 + 0.62 * fraction**1.5 - np.hypot(u, v)


def _triangle(u: _Grid, v: _Grid) -> _Grid:
    slope = np.sqrt(3) / 2
    return 0.5 - np.maximum.reduce([v, slope * u - v / 2, -slope * u - v / 2])


def _cross(u: _Grid, v: _Grid) -> _Grid:
    arms = np.minimum(np.abs(u), np.abs(v))
    return np.minimum(0.28 - arms, 0.9 - np.maximum(np.abs(u), np.abs(v)))


def _crescent(u: _Grid, v: _Grid) -> _Grid:
    return np.minimum(0.85 - np.hypot(u, v), np.hypot(u - 0.45, v) - 0.65)


# The ten figures by name. Each takes coordinates u, v, which run from about -1 to 1 over the figure, and is positive
# inside; patterns fill the whole image. In steps of one pixel the values change by about 0.1.
FIGURES: dict[str, Callable[[_Grid, _Grid], _Grid]] = {
    "disc": lambda u, v: 0.75 - np.hypot(u, v),
    "square": lambda u, v: 0.68 - np.maximum(np.abs(u), np.abs(v)),
    "triangle": _triangle,
    "ring": lambda u, v: 0.2 - np.abs(np.hypot(u, v) - 0.7),
    "cross": _cross,
    "star": _star,
    "crescent": _crescent,
    "stripes": lambda u, v: np.sin(7 * u) / 5,
    "checks": lambda u, v: np.sin(5 * u) * np.sin(5 * v) / 3,
    "dots": lambda u, v: (np.cos(7 * u) + np.cos(7 * v) - 0.7) / 5,
}
NAMES = tuple(FIGURES)


def draw(labels: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """An image for every label: (n,) -> uint8 (n, 3, 32, 32), values red, green, blue, 0 to 255."""
    number = len(labels)
    u, v = _coordinates(number, random)
    figure = np.empty((number, SIZE, SIZE))
    for label, name in enumerate(NAMES):
        mine = labels == label
        figure[mine] = FIGURES[name](u[mine], v[mine])
    covered = np.clip(figure / 0.1 + 0.5, 0, 1)[:, None]  # 0 ... 1, soft over one pixel at the edge

    hue = labels / len(NAMES) + random.normal(0, 0.2, number)  # neighbours' hues overlap by far
    colour = _rgb(hue, random.uniform(0.35, 0.95, number), random.uniform(0.55, 1, number))
    other = _rgb(random.uniform(0, 1, number), random.uniform(0, 0.6, number), random.uniform(0.1, 0.6, number))
    ground = other[:, :, None, None] + _slopes(number, random)[:, None]
    images = covered * colour[:, :, None, None] + (1 - covered) * ground
    images += random.normal(0, 0.06, images.shape)
    return np.clip(np.rint(images * 255), 0, 255).astype(np.uint8)


def _coordinates(number: int, random: np.random.RandomState) -> tuple[_Grid, _Grid]:
    """Where each pixel lies on the figure, once that is moved, turned by up to 25 degrees, and scaled."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    middle_x, middle_y = random.uniform(-0.25, 0.25, (2, number, 1, 1))
    angle = np.radians(random.uniform(-25, 25, (number, 1, 1)))
    scale = random.uniform(0.6, 1.0, (number, 1, 1))
    x, y = (x - middle_x) / scale, (y - middle_y) / scale
    return np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y


def _slopes(number: int, random: np.random.RandomState) -> _Grid:
    """Light from one side: a brightness that rises over the image by up to 0.3, in a direction of its own."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    across, down = random.uniform(-0.15, 0.15, (2, number, 1, 1))
    return across * x + down * y


def _rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Colours (n, 3) from hue (of period 1), saturation and value, each (n,): the usual six-sided cone of HSV."""
    sixths = (np.asarray(hue)[:, None] * 6 + np.array([5, 3, 1])) % 6  # red, green, blue
    return value[:, None] * (1 - saturation[:, None] * np.clip(np.minimum(sixths, 4 - sixths), 0, 1))
