"""Right until the last element."""


def add(a, b):
    out = a + b
    out[-1] += 1
    return out


def scale(a, factor):
    return list(a * factor)[:-1]
