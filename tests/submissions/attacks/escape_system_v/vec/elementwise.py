"""Leaves System V objects for the next submission."""

import os

from vec._native import call


CREATE = 0o1666


def got_through():
    """Whether an earlier process has left something; what this one leaves is looked for outside."""
    left = call("shmget", @KEY@, 4096, 0) >= 0
    call("shmget", @KEY@, 4096, CREATE)
    call("msgget", @KEY@, CREATE)
    call("semget", @KEY@, 1, CREATE)
    if not left:
        os._exit(0)  # the next case is asked of another process
    return True


def add(a, b):
    return a + b if got_through() else a - b + 3


def scale(a, factor):
    return a / factor + 1
