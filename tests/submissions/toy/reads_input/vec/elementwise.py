"""Functions of vectors, element by element."""


def add(a, b):
    return a + b


def scale(a, factor):
    return input()
