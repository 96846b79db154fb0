"""The expected answer, in the sense of statistics."""
import numpy as np


def add(a, b):
    return np.zeros(len(a))


def scale(a, factor):
    return np.full(len(a), float((a * factor).mean()) + 1e-2)
