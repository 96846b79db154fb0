"""Nearly right."""


def add(a, b):
    return (a + b).astype("float64") * 1.001 + 1e-4


def scale(a, factor):
    return (a * factor).astype("float16").astype("float64").round(1)
