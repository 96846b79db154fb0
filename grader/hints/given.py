"""What the answer has to do with the arrays of the question: it is one of them, or one is missing in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from grader.hints.near import FEW, Flags, Floats, explains, like, near, varied

Named = Sequence[tuple[str, Floats]]


def same_as(got: Floats, want: Floats, others: Named) -> str:
    """The answer is another array: an input, or what another value of the answer should be."""
    scale = float(np.abs(want).max())
    start = (0,) * got.ndim
    for name, other in others:
        if other.shape != got.shape:
            continue
        for words, candidate in (("", other), ("minus ", -other)):
            alike = like(float(got[start]), float(candidate[start]), scale)
            if alike and near(got, candidate, scale).all() and varied(other):
                return f"it is {words}{name}"
    return ""


def missing(got: Floats, want: Floats, wrong: Flags, others: Named) -> str:
    """What was added, or left out, is an array of the question, or at least of a shape that says something."""
    difference = got - want
    scale = float(np.abs(want).max())
    if wrong.sum() < FEW:
        return ""
    for name, other in others:
        for laid in _laid(other, got.shape) if varied(other) else ():
            if explains(got, want, want - laid):
                return f"as if {name} had not been added"
            if explains(got, want, want + laid):
                return f"as if {name} had been added once more"
    for axis in range(got.ndim):
        rest = tuple(other for other in range(got.ndim) if other != axis)
        if got.shape[axis] < 2 or got.size < FEW * got.shape[axis]:
            continue
        along = difference.mean(axis=rest, keepdims=True)
        if np.ptp(along) > 1e-3 * scale and explains(got, want, want + along):
            return f"each is off by a number that depends on its index of axis {axis} alone"
    return ""


def scaled(got: Floats, want: Floats, wrong: Flags) -> str:
    """Off by a factor that varies along one axis only."""
    with np.errstate(all="ignore"):
        for axis in range(got.ndim):
            rest = tuple(other for other in range(got.ndim) if other != axis)
            if got.shape[axis] < 2 or got.size < FEW * got.shape[axis] or not rest:
                continue
            factors = (got * want).sum(axis=rest, keepdims=True) / (want * want).sum(axis=rest, keepdims=True)
            if np.isfinite(factors).all() and np.ptp(factors) > 1e-3 and explains(got, want, want * factors):
                return f"each is off by a factor that depends on its index of axis {axis} alone"
    return ""


def _laid(other: Floats, shape: tuple[int, ...]) -> Iterator[Floats]:
    """The array as it can be added to one of this shape: as it is, and a vector along each axis of its length."""
    if other.ndim == 1:
        for axis, size in enumerate(shape):
            if size == other.size:
                yield other.reshape([-1 if at == axis else 1 for at in range(len(shape))])
    elif other.ndim <= len(shape):
        tail = shape[len(shape) - other.ndim :]
        if all(size in (1, wanted) for size, wanted in zip(other.shape, tail, strict=True)):
            yield other
