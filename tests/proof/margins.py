"""How near right answers come to their tolerances, and how far wrong ones are beyond: by problem and device."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from grader.verdict import Case, Verdict
from proof.judge import Result


@dataclass(frozen=True)
class Extreme:
    """An error as a share of what is allowed, and where it was."""

    error: float
    where: str  # the case, and what it compared


@dataclass(frozen=True)
class Margins:
    """The largest error of right answers: (problem, device) -> where."""

    largest: Mapping[tuple[str, str], Extreme] = field(default_factory=dict)

    def joined(self, other: Margins) -> Margins:
        """The larger of both, each."""
        found = dict(self.largest)
        for key, extreme in other.largest.items():
            if key not in found or extreme.error > found[key].error:
                found[key] = extreme
        return Margins(found)

    @property
    def worst(self) -> Extreme:
        """The largest of all; 0 where nothing was compared by numbers."""
        return max(self.largest.values(), key=lambda extreme: extreme.error, default=Extreme(0.0, "no case"))


def largest(results: Iterable[Result], cases: Mapping[str, Case], device: str) -> Margins:
    """The largest error of the cases that pass, by problem."""
    found = Margins()
    for result in results:
        margins = [margin for margin in result.margins if math.isfinite(margin.error)]
        if result.verdict is Verdict.PASS and margins:
            worst = max(margins, key=lambda margin: margin.error)
            key = (cases[result.case].problem, device)
            found = found.joined(Margins({key: Extreme(worst.error, f"{result.case}: {worst.name}")}))
    return found
