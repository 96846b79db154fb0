"""Nothing is wrong with nothing."""
import numpy as np


def add(a, b):
    return np.zeros(0)


def scale(a, factor):
    return np.zeros((0, len(a)), dtype="float32")
