"""Functions that take their group with them."""
import os
import signal


def add(a, b):
    try:
        os.setsid()
    except OSError:
        pass
    os.killpg(0, signal.SIGKILL)


def scale(a, factor):
    try:
        os.setpgid(0, os.getppid())
    except OSError:
        pass
    os.killpg(0, signal.SIGTERM)
