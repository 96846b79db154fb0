"""What sets the cases of a test that fail apart from those that pass: "only where stride is above 1".

One number of a question, or one word, that all failing cases have and hardly any passing one. It is told only where
something that has nothing to do with the mistake would hardly do so: that all F failing ones of N cases are among the K
with a condition is chance in comb(K, F) of comb(N, F) draws, and there are a few dozen conditions to try.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.findings import Call
from grader.subject.question import arguments

_CHANCE = 0.05  # that any of the conditions tried would do it
_SHARE = 0.75  # of the cases with a condition that fail
_TILES = (8, 4, 2)  # of whose multiples a size may be none

GIVEN = "given"
Value = int | str | bool | None


@dataclass(frozen=True)
class Told:
    """A case that was answered."""

    failed: bool
    features: dict[str, Value]  # of its questions, by name


def features(calls: Sequence[Call]) -> dict[str, Value]:
    """The numbers and words of a case's first question, and the sizes of its arrays: "stride", "axis 0 of z"."""
    found: dict[str, Value] = {}
    sizes: dict[str, Value] = {}
    for name, value in arguments(calls[0].probe, calls[0].args, calls[0].kwargs) if calls else ():
        found |= _plain(name, value)
        sizes |= _sizes(name, value)
    return found | sizes  # what was asked for in so many words comes first


def contrast(cases: Sequence[Told]) -> str:
    """What holds of every failing case and of hardly another, with numbers; empty where it is nothing, or chance."""
    failed = sum(case.failed for case in cases)
    if failed in (0, len(cases)):
        return ""
    best, found, tried = failed / _SHARE, "", 0
    for words, holds in _all_conditions(cases):
        tried += 1
        if not all(held for held, case in zip(holds, cases, strict=True) if case.failed):
            continue
        such = sum(holds)
        chance = math.comb(such, failed) / math.comb(len(cases), failed)
        # The fewest; of equals the first, which is the most literal.
        if such < min(best, len(cases)) and chance * tried < _CHANCE:
            best, found = such, f"only where {words}: {_numbers(failed, such, len(cases) - such)}"
    return found


def _all_conditions(cases: Sequence[Told]) -> Iterator[tuple[str, list[bool]]]:
    for name in cases[0].features:
        if all(name in case.features for case in cases):
            yield from _conditions(name, [case.features[name] for case in cases])


def _conditions(name: str, values: Sequence[Value]) -> Iterator[tuple[str, list[bool]]]:
    """(in words, for which of the values it holds)."""
    different = dict.fromkeys((type(value), value) for value in values)
    for kind, value in different:
        yield (
            f"{name} is {value if value == GIVEN else repr(value)}",
            [other == value and type(other) is kind for other in values],
        )
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        for kind, value in different:
            yield f"{name} is not {value!r}", [other != value or type(other) is not kind for other in values]
        return
    for bound in sorted(set(numbers)):
        yield f"{name} is above {bound}", [number > bound for number in numbers]
        yield f"{name} is below {bound}", [number < bound for number in numbers]
    for tile in _TILES:
        yield f"{name} is no multiple of {tile}", [number % tile > 0 for number in numbers]


def _plain(name: str, value: Any) -> dict[str, Value]:
    if value is None or isinstance(value, (bool, int, str)):
        return {name: value}
    if isinstance(value, np.ndarray):
        return {name: GIVEN}  # in another case of the test it may be None
    if isinstance(value, (list, tuple)) and all(isinstance(item, int) for item in value):
        return {f"the number of {name}": len(value)}
    return {}


def _sizes(name: str, value: Any) -> dict[str, Value]:
    if isinstance(value, np.ndarray):
        return {f"axis {axis} of {name}": size for axis, size in enumerate(value.shape)}
    if isinstance(value, (list, tuple)):
        return {key: size for i, item in enumerate(value[:4]) for key, size in _sizes(f"{name}[{i}]", item).items()}
    return {}


def _numbers(failed: int, such: int, others: int) -> str:
    part = f"all {failed}" if failed == such else f"{failed} of {such}"
    return f"{part} such cases of this test, and none of the {others} others"
