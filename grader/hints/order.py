"""What was done to the places of the values: axes swapped, reversed, shifted, repeated, summed up."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from grader.hints.near import Flags, Floats, explains, like, near, varied

_MAX_RANK = 4  # of the arrays whose axes are mirrored and permuted in every combination: 15 of them, and 23
_STEPS = (1, -1, 2, -2, 3, -3)  # that something is shifted by
_SORTED = 8  # different values that are the same in another order; fewer may be so by chance


@dataclass(frozen=True)
class _Candidate:
    """What the answer may be."""

    words: str
    first: float  # its value where the first wrong one is
    make: Callable[[], Floats]  # all of it; a view or a copy


def rearranged(got: Floats, want: Floats, wrong: Flags) -> str:
    """The whole of what was expected, in another order."""
    if not varied(want[wrong]):
        return ""
    first = tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
    scale, found = float(np.abs(want).max()), float(got[first])
    for candidate in itertools.chain(_views(want, first), _reshapes(want, first)):
        # One value first: nearly every candidate is out by it, and there may be fifty of them to go through.
        if like(found, candidate.first, scale) and explains(got, want, candidate.make()):
            return candidate.words
    return ""


def _views(want: Floats, first: tuple[int, ...]) -> Iterator[_Candidate]:
    """`want` with axes swapped, reversed, repeated or summed up."""
    for a, b in itertools.combinations(range(want.ndim), 2):
        if want.shape[a] == want.shape[b] > 1:
            swapped = np.swapaxes(want, a, b)
            yield _Candidate(f"as if axes {a} and {b} were swapped", swapped[first], partial(_as_it_is, swapped))
    axes = [axis for axis in range(want.ndim) if want.shape[axis] > 1]
    for count in range(1, min(len(axes), _MAX_RANK) + 1):
        for chosen in itertools.combinations(axes, count):
            mirrored = np.flip(want, chosen)
            yield _Candidate(f"as if {_named(chosen)} reversed", mirrored[first], partial(_as_it_is, mirrored))
    for axis in axes:
        for index, words in ((0, "index 0"), (-1, "the last index")):
            repeated = np.broadcast_to(want.take([index], axis), want.shape)
            yield _Candidate(
                f"as if {words} of axis {axis} were everywhere", repeated[first], partial(_as_it_is, repeated)
            )
        before = np.moveaxis(want, axis, -1)[first[:axis] + first[axis + 1 :]][: first[axis] + 1]
        yield _Candidate(
            f"as if summed up along axis {axis}, each with all before it",
            before.sum(),
            partial(np.cumsum, want, axis),
        )


def _reshapes(want: Floats, first: tuple[int, ...]) -> Iterator[_Candidate]:
    """`want` mixed up by a reshape where its axes were to be permuted, or the other way round."""
    axes = [axis for axis in range(want.ndim) if want.shape[axis] > 1]
    if len(axes) > _MAX_RANK or want.ndim > _MAX_RANK + 1:
        return
    place = int(np.ravel_multi_index(first, want.shape))
    for order in itertools.permutations(range(want.ndim)):
        if [axis for axis in order if want.shape[axis] > 1] == axes:
            continue
        words = f"as if reshaped where axes were to be permuted, by {order} or back"
        moved = want.transpose(order)
        yield _Candidate(
            words,
            moved[np.unravel_index(place, moved.shape)],
            partial(np.reshape, moved, want.shape),
        )
        back = tuple(first[axis] for axis in order)  # where the first wrong value lies in an array of moved's shape
        yield _Candidate(
            words,
            want.flat[int(np.ravel_multi_index(back, moved.shape))],
            partial(_back, want, order),
        )


def _as_it_is(view: Floats) -> Floats:
    return view


def _back(want: Floats, order: Sequence[int]) -> Floats:
    shape = [want.shape[axis] for axis in order]
    return want.reshape(shape).transpose(np.argsort(order))


def shifted(got: Floats, want: Floats) -> str:
    """Everything lies some places further along an axis."""
    scale = float(np.abs(want).max())
    for axis, step in itertools.product(range(want.ndim), _STEPS):
        size = want.shape[axis]
        if size < abs(step) + 2:
            continue
        to, back = (slice(step, None), slice(None, -step)) if step > 0 else (slice(None, step), slice(-step, None))
        left = (slice(None),) * axis
        moved, source = got[(*left, to)], want[(*left, back)]
        start = (0,) * want.ndim
        if not like(float(moved[start]), float(source[start]), scale) or not varied(source):
            continue
        if not explains(moved, want[(*left, to)], source):
            continue
        entering = got[(*left, slice(0, step) if step > 0 else slice(step, None))]
        return f"as if moved by {step:+d} along axis {axis}, {_entering(entering, want, axis, step, scale)}"
    return ""


def _entering(entering: Floats, want: Floats, axis: int, step: int, scale: float) -> str:
    """What stands in the place that became free."""
    if not entering.any():
        return "with zeros at the edge"
    leaving = want.take(range(-step, 0) if step > 0 else range(-step), axis)
    if near(entering, leaving, scale).all():
        return "with what went out at the other edge"
    edge = want.take([0 if step > 0 else -1], axis)
    if near(entering, np.broadcast_to(edge, entering.shape), scale).all():
        return "with the edge repeated"
    return "with something else at the edge"


def permuted(got: Floats, want: Floats) -> str:
    """The same values, in whatever order."""
    if np.unique(want.ravel()[:100_000]).size < _SORTED:
        return ""
    scale = float(np.abs(want).max())
    if not like(float(got.max()), float(want.max()), scale) or not like(float(got.min()), float(want.min()), scale):
        return ""
    one, other = np.sort(got, axis=None), np.sort(want, axis=None)
    same = near(one, other, scale).all() and 100 * np.abs(one - other).sum() <= np.abs(got - want).sum()
    return "the right values in another order" if same else ""


def _named(axes: Sequence[int]) -> str:
    *most, last = axes
    return f"axes {', '.join(map(str, most))} and {last} were" if most else f"axis {last} were"
