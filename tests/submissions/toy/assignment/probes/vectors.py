"""A probe a function."""


def add(vec, device, a, b):
    """a + b."""
    return {"out": vec.add(a, b)}


def scale(vec, device, a, factor):
    """a * factor."""
    return {"out": vec.scale(a, factor)}


def total(vec, device, a):
    """The sum of a."""
    return {"out": vec.total(a)}
