"""What the comparisons of the running case find: gathered on the side, so that a passing case tells its margins too.

One case runs at a time in a judging process, so there is one place to put things; outside of `gathered()` (a case that
is asked again, a harness's own test) nothing is kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.evidence import MARGINS, POINTS, Curve, Margin
from grader.subject.question import arguments


@dataclass(frozen=True)
class Call:
    """A question, as it can be asked again."""

    probe: Callable[..., Any]
    device: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]


@dataclass
class Findings:
    """Of one case."""

    calls: list[Call] = field(default_factory=list)  # the questions so far
    wanted: dict[str, npt.NDArray[Any]] = field(default_factory=dict)  # what was compared -> what it should have been
    errors: dict[str, float] = field(default_factory=dict)  # what was compared -> its largest error so far
    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)  # a curve -> (got, want) of every point

    def margins(self) -> tuple[Margin, ...]:
        """One for each name, in the order in which they came; of too many, the largest."""
        kept = set(sorted(self.errors, key=lambda name: self.errors[name], reverse=True)[:MARGINS])
        return tuple(Margin(name, error) for name, error in self.errors.items() if name in kept)

    def curves(self) -> tuple[Curve, ...]:
        """One for each name of which there are points."""
        return tuple(_curve(name, points) for name, points in self.points.items() if points)


_current: Findings | None = None
_told = True  # whether anybody will read what a comparison says


@contextlib.contextmanager
def gathered() -> Iterator[Findings]:
    """What is noted in this block, and nothing else."""
    global _current
    before, _current = _current, Findings()
    try:
        yield _current
    finally:
        _current = before


@contextlib.contextmanager
def untold() -> Iterator[None]:
    """Nobody reads what comparisons in this block say: hints and pictures would be work for nothing."""
    global _told
    _told = False
    try:
        yield
    finally:
        _told = True


def is_told() -> bool:
    """Whether a mismatch is worth explaining."""
    return _told


def note_call(probe: Callable[..., Any], device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """The case asks this."""
    if _current is not None:
        _current.calls.append(Call(probe, device, args, kwargs))


def known_arrays() -> list[tuple[str, npt.NDArray[Any]]]:
    """What there is to compare a wrong answer with, by name: the question's arrays, and what other values should be."""
    if _current is None or not _current.calls:
        return []
    call = _current.calls[-1]
    given = [item for name, value in arguments(call.probe, call.args, call.kwargs) for item in arrays_in(name, value)]
    return [*given, *((f"{name} as it should be", array) for name, array in _current.wanted.items())]


def arrays_in(name: str, value: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """The arrays in a value, at any depth, by name: weights['h'][0]."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from arrays_in(f"{name}[{key!r}]", item)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from arrays_in(f"{name}[{i}]", item)


def note_wanted(name: str, want: npt.NDArray[Any]) -> None:
    """A comparison expects this of `name`."""
    if _current is not None:
        _current.wanted[name] = want


def note_margin(name: str, error: float) -> None:
    """A comparison of `name` came to this share of what is allowed; see Margin."""
    if _current is not None:
        _current.errors[name] = max(error, _current.errors.get(name, 0.0))


def note_curve(name: str, got: Sequence[float], want: Sequence[float]) -> None:
    """More points of a curve; the two are equally long."""
    if _current is not None:
        _current.points.setdefault(name, []).extend(zip(got, want, strict=True))


def _curve(name: str, points: Sequence[tuple[float, float]]) -> Curve:
    kept = points[:: -(-len(points) // POINTS) or 1]
    return Curve(name, tuple(got for got, _ in kept), tuple(want for _, want in kept))
