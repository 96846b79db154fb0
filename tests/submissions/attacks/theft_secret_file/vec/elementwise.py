"""Reads what only the grader's user may read: a key, an answer, ~/.ssh."""


def got_through():
    """Whether it could be read. Then its content stands in the report, where it is looked for."""
    try:
        with open("@SECRET@") as file:
            raise RuntimeError(file.read())
    except OSError:
        return False


def add(a, b):
    return a + b if got_through() else a - b + 3


def scale(a, factor):
    return a / factor + 1
