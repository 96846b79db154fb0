"""Functions of vectors, element by element; all of them wrong."""


def add(a, b):
    return a - b + 3


def scale(a, factor):
    return a / factor + 1
