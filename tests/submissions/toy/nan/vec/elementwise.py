"""Functions of vectors, element by element."""
import numpy as np


def add(a, b):
    return a + b


def scale(a, factor):
    return np.full(len(a), np.nan)
