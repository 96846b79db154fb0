"""A traceback that is longer than a run."""

import sys


def exhaust(depth=300_000):
    """Down, and then up as an exception."""
    sys.setrecursionlimit(1_000_000)
    if depth == 0:
        raise ValueError("x" * (1 << 20))
    exhaust(depth - 1)


def add(a, b):
    if len(a) == 1:  # one case is enough, and each costs its limit
        exhaust()
    return a - b + 3


def scale(a, factor):
    return a / factor + 1
