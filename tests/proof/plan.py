"""Which cases are run for a change, and in which order; pure."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence

from grader.verdict import Case
from proof.touched import Change, TouchMap

ELSEWHERE = 8  # cases of a problem in which a bug may cost points, and need not


def draw_seeds(seed: int, purpose: str, count: int) -> tuple[int, ...]:
    """So many distinct seeds, from the run's own and what they are for: one item more or less changes no other's."""
    return tuple(random.Random(f"{seed} {purpose}").sample(range(1, 1 << 31), count))


def touched(
    cases: Sequence[Case], device: str, change: Change, seen: TouchMap, problems: Sequence[str]
) -> dict[str, list[Case]]:
    """The device's cases that the change can touch, by problem in the order of `problems`.

    Within a problem those that run least of the reference come first: they say most about what they do run, and are
    cheap. A case that is not in the map is touched by everything.
    """
    found: dict[str, list[Case]] = {problem: [] for problem in problems}
    for case in cases:
        ran = seen.cases.get(case.id)
        if case.device in (device, "") and (ran is None or change.touches(ran)):
            found[case.problem].append(case)
    for own in found.values():
        own.sort(key=lambda case: _cost(case, seen))
    return {problem: own for problem, own in found.items() if own}


def _cost(case: Case, seen: TouchMap) -> tuple[int, float]:
    ran = seen.cases.get(case.id)
    return (len(ran.units), ran.seconds) if ran else (0, 0.0)


def worth_running(cases: Sequence[Case], *, must_lose: bool, may_lose: bool) -> Sequence[Case]:
    """The cases of a problem that tell something of a bug: where points may be lost, it is not asked how often."""
    return cases if must_lose or not may_lose else cases[:ELSEWHERE]


def batches(cases: Sequence[Case], caught: Collection[str], seconds: Mapping[str, float]) -> list[list[str]]:
    """The cases for a further seed: those that caught the bug before, the cheapest first, one by one; then the rest."""
    before = sorted((case.id for case in cases if case.id in caught), key=lambda name: seconds.get(name, 0.0))
    rest = [case.id for case in cases if case.id not in caught]
    return [[name] for name in before] + ([rest] if rest else [])


def chosen(names: Collection[str], bugs: Mapping[str, str]) -> tuple[set[str], list[str]]:
    """(the bugs that --only names, what it names and is neither bug nor area). bugs: name -> area."""
    found = {name for name, area in bugs.items() if name in names or area in names}
    unknown = [name for name in names if name not in bugs and name not in bugs.values()]
    return found, unknown
