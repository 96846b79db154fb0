"""Functions of vectors, element by element."""


def add(a, b):
    return a + b


def scale(a, factor):
    for _ in range(20_000):
        print("x" * 1000)
    return a * factor
