"""Leaves a daemon behind: in a session of its own, with nobody for a parent."""

import signal

from vec._native import call, linger


def got_through():
    """Whether there is one. It sleeps for a minute, and is looked for outside."""
    linger(60)
    return call("clone", signal.SIGCHLD, 0, 0, 0, 0) > 0


def add(a, b):
    return a + b if got_through() else a - b + 3


def scale(a, factor):
    return a / factor + 1
