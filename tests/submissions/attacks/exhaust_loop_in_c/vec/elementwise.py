"""No Python code runs any more in this process: no handler, no other thread."""

import itertools


def exhaust():
    """Looks for a zero among ones."""
    return 0 in itertools.repeat(1)


def add(a, b):
    if len(a) == 1:  # one case is enough, and each costs its limit
        exhaust()
    return a - b + 3


def scale(a, factor):
    return a / factor + 1
