"""Keeps another name for a file that it may not read yet."""

import os


def got_through():
    """Whether there is another name for it now."""
    try:
        os.link("@SECRET@", "@EMPTY@/link")
    except OSError:
        return False
    return True


def add(a, b):
    return a + b if got_through() else a - b + 3


def scale(a, factor):
    return a / factor + 1
