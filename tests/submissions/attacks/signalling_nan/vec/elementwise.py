"""The bits of a NaN whose first fraction bit is not set: a processor raises "invalid" when it reads one."""
import numpy as np


def add(a, b):
    return np.full(len(a), 0x7FF4000000000000, np.uint64).view(np.float64)


def scale(a, factor):
    return np.full(len(a), 0x7FA00000, np.uint32).view(np.float32)
