"""Points are counted as on paper: 0.1 + 0.2 are 0.3, ten points are never 9.999999."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache


@lru_cache(maxsize=4096)  # a class has few different marks, and a gradebook asks for them ten thousand times
def exact(number: float) -> Fraction:
    """The number as it is written: a tenth for 0.1, and not the binary fraction next to it."""
    return Fraction(repr(float(number)))


def total(numbers: Iterable[float]) -> float:
    """Their sum, rounded once at its end."""
    return float(sum(map(exact, numbers)))
