"""Answers that depend on who asks, and when."""
import threading
import time

import numpy as np


class Fickle(np.ndarray):
    looks = 0

    def __array__(self, dtype=None, copy=None):
        Fickle.looks += 1
        return np.zeros(self.size) if Fickle.looks % 2 else np.ones(self.size)

    def __array_finalize__(self, source):
        Fickle.looks += 1


def add(a, b):
    out = np.array(a - b + 3)

    def change():
        for i in range(1000):
            out[...] = i
            time.sleep(0.001)

    threading.Thread(target=change, daemon=True).start()
    return out


def scale(a, factor):
    return np.asarray(a / factor + 1).view(Fickle)
