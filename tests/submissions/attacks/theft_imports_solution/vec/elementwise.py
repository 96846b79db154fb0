"""Answers with the solution's own functions."""

import sys


def got_through():
    """Whether the solution is there to be asked; its own sum is."""
    sys.path.insert(0, "@CHECKOUT@/tests/submissions/toy/good/vec")
    try:
        del sys.modules["vec.elementwise"]
        import elementwise
    except Exception:  # the grader's own refusal is not an ImportError everywhere
        return False
    finally:
        del sys.path[0]
    return elementwise.add(1, 2) == 3


def add(a, b):
    return a + b if got_through() else a - b + 3


def scale(a, factor):
    return a / factor + 1
