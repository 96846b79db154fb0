"""What a wrong shape has to do with the right one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.hints.near import Floats, near, varied

_MAX_RANK = 5
_LARGEST = 1 << 20  # values


def shape_pattern(got: npt.NDArray[Any], want: npt.NDArray[Any]) -> str:
    """What would make the one the other, where the values bear it out; empty where nothing simple does."""
    if max(got.size, want.size) > _LARGEST or max(got.ndim, want.ndim) > _MAX_RANK:
        return ""
    with np.errstate(all="ignore"):  # of values near the largest float there is no hint
        return _pattern(got.astype(np.float64), want.astype(np.float64))


def _pattern(got: Floats, want: Floats) -> str:
    if not (np.isfinite(got).all() and np.isfinite(want).all()) or not want.size or not got.size:
        return ""
    if not varied(want) and min(got.size, want.size) > 1:
        return ""
    scale = float(np.abs(want).max())
    for words, candidate in _made_right(got, want):
        if candidate.shape == want.shape and near(candidate, want, scale).all():
            return words
    return ""


def _made_right(got: Floats, want: Floats) -> Iterator[tuple[str, Floats]]:
    """(in words what is wrong, `got` without it)."""
    if got.size == want.size and got.ravel().shape == want.ravel().shape:
        if [size for size in got.shape if size > 1] == [size for size in want.shape if size > 1]:
            kind = "too many" if got.ndim > want.ndim else "missing" if got.ndim < want.ndim else "in another place"
            yield f"the values are right, but an axis of length 1 is {kind}", got.reshape(want.shape)
        if got.ndim == want.ndim <= _MAX_RANK:
            for order in itertools.permutations(range(got.ndim)):
                if order != tuple(range(got.ndim)):
                    yield f"the values are right after permute({order})", got.transpose(order)
        yield f"the values are right after reshape({want.shape})", got.reshape(want.shape)
    for axes in _subsets(got.ndim):
        for keep in (False, True):
            summed = got.sum(axis=axes, keepdims=keep)
            if summed.shape == want.shape and summed.shape != got.shape:
                named = f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"
                yield f"summed over {named} it would be right", summed
                yield f"the mean over {named} would be right", got.mean(axis=axes, keepdims=keep)
    for axes in _subsets(want.ndim):
        for keep in (False, True):
            summed = want.sum(axis=axes, keepdims=keep)
            if summed.shape == got.shape and got.shape != want.shape:
                named = f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"
                scale = float(np.abs(summed).max())
                # `want` itself, because it cannot be made of its sum: what is compared is then no news.
                if near(got, summed, scale).all():
                    yield f"it is the sum of what was expected over {named}", want
                elif near(got, want.mean(axis=axes, keepdims=keep), scale).all():
                    yield f"it is the mean of what was expected over {named}", want
    if got.ndim == want.ndim:
        differing = [axis for axis in range(got.ndim) if got.shape[axis] != want.shape[axis]]
        if len(differing) == 1:
            yield from _cropped(got, want, differing[0])


def _cropped(got: Floats, want: Floats, axis: int) -> Iterator[tuple[str, Floats]]:
    """Some indices at an end of an axis are too many, or missing."""
    more, fewer = got.shape[axis], want.shape[axis]
    if more > fewer:
        yield f"the first {fewer} of axis {axis} are right", got.take(range(fewer), axis)
        yield f"the last {fewer} of axis {axis} are right", got.take(range(more - fewer, more), axis)
    else:
        scale = float(np.abs(want).max())
        for where, part in (("last", want.take(range(more), axis)), ("first", want.take(range(-more, 0), axis))):
            if near(got, part, scale).all():
                yield f"what is there is right: the {where} {fewer - more} of axis {axis} are missing", want


def _subsets(rank: int) -> Iterator[tuple[int, ...]]:
    for count in range(1, min(rank, _MAX_RANK) + 1):
        yield from itertools.combinations(range(rank), count)
