import numpy as np


def total(a):
    return np.full((len(a), 1), float(np.asarray(a, dtype=float).sum()))
