"""Answers of 64 MiB, the most that the protocol takes."""

import numpy as np


def add(a, b):
    return np.full(1 << 24, np.nan, dtype="float32")


def scale(a, factor):
    return [np.zeros(0, dtype="float32")] * 10_000
