"""Where the wrong values are: in one item of a batch, at an edge, in the last rows, at every other place.

Said only where as many wrong values, thrown anywhere, would all fall there less often than once in a million times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from grader.hints.near import Flags

_CHANCE = 1e-6
_RANGE = 4  # indices that are counted from an end of an axis
_EDGE = 3  # how far in an edge reaches


def place(wrong: Flags) -> str:
    """What the places of the wrong values have in common; empty where it is nothing."""
    count = int(wrong.sum())
    # The share of all places that each leaves, and the words. Of what holds the narrowest are told.
    found = sorted((share, words) for share, words in _along(wrong) if share**count < _CHANCE)
    if found:
        return f"all {' and '.join(words for _, words in found[:2])}"
    share, words = _edge(wrong)
    return words if 0 < share**count < _CHANCE else ""


def _along(wrong: Flags) -> Iterator[tuple[float, str]]:
    """(share of all places, words) of what all wrong places have in common along an axis."""
    for axis, size in enumerate(wrong.shape):
        hit = np.flatnonzero(wrong.any(axis=tuple(other for other in range(wrong.ndim) if other != axis)))
        first, last, count = int(hit[0]), int(hit[-1]), hit.size
        if count == size:
            continue
        whole = count == last - first + 1
        step = math.gcd(*(int(i) for i in hit - first))
        if count == 1:
            yield 1 / size, f"at index {first} of axis {axis} ({size} long)"
        elif whole and last == size - 1 and count <= _RANGE:
            yield count / size, f"in the last {count} of axis {axis} ({size} long)"
        elif whole and last == size - 1:
            yield count / size, f"from index {first} of axis {axis} on"
        elif whole and first == 0 and count <= _RANGE:
            yield count / size, f"in the first {count} of axis {axis} ({size} long)"
        elif step > 1 and count > 2 and count == len(range(first % step, size, step)):
            yield count / size, f"at indices {first}, {first + step}, ... of axis {axis}"


def _edge(wrong: Flags) -> tuple[float, str]:
    """A frame around an inside in which all is right, on two axes or more; (1, "") where there is none."""
    for width in range(1, _EDGE + 1):
        framed = [axis for axis, size in enumerate(wrong.shape) if size > 2 * width and _both_ends(wrong, axis, width)]
        inside = tuple(slice(width, -width) if axis in framed else slice(None) for axis in range(wrong.ndim))
        if len(framed) > 1 and not wrong[inside].any():
            *most, last = framed
            words = f"all at the edge of axes {', '.join(map(str, most))} and {last}, {width} wide"
            return 1 - wrong[inside].size / wrong.size, words
    return 1.0, ""


def _both_ends(wrong: Flags, axis: int, width: int) -> bool:
    ends = (wrong.take(range(width), axis), wrong.take(range(-width, 0), axis))
    return all(end.any() for end in ends)
