import numpy as np


def total(a):
    return np.zeros((0,))
