"""Everything that was ever sent, tried again."""

import numpy as np

SEEN = [np.ones(1, dtype="float32")]


def add(a, b):
    answer = np.resize(SEEN[-1], a.shape)
    SEEN.extend([a, b])
    return answer


def scale(a, factor):
    answer = np.resize(SEEN[-1], a.shape)
    SEEN.append(a)
    return answer
