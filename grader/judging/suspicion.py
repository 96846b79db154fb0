"""Which of a submission's own functions a wrong answer came through, the likeliest first.

This is fault localisation by spectra. Each kind of question is a test that passed or failed; by Ochiai's formula a
function scores failed(f) / sqrt(failed * (failed(f) + passed(f))), where failed is how many kinds failed, and failed(f)
and passed(f) count those that ran f (R. Abreu, P. Zoeteweij, A. van Gemund: "An evaluation of similarity coefficients
for software fault localization", PRDC 2006).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.evidence import Lines
from grader.judging.own_code import OwnCode

SHOWN = 3
_SUSPICIOUS = 0.7  # of the most suspicious function's score, below which another is not worth showing
# Words of a test's name, and what a function that has to do with it may be called.
_ALIKE = {"backward": ("backward", "grad"), "forward": ("forward", "compute")}


@dataclass(frozen=True)
class Trace:
    """What ran for a kind of question."""

    failed: bool
    functions: frozenset[Lines]


class Suspicion:
    """How suspicious each function is that ran for a problem; reckoned once, for all its kinds."""

    def __init__(self, own: OwnCode, problem: str, traces: Sequence[Trace]) -> None:
        """traces: of the problem's kinds."""
        failed = sum(trace.failed for trace in traces)
        in_failed = Counter(at for trace in traces if trace.failed for at in trace.functions)
        in_all = Counter(at for trace in traces for at in trace.functions)
        self._score = {at: count / math.sqrt(failed * in_all[at]) for at, count in in_failed.items()}
        self._asked_for = {at for at in in_failed if own.is_task(at, problem)}

    def likeliest(self, trace: Trace, about: Collection[str] = ()) -> tuple[Lines, ...]:
        """Where to look first, for one of the traces that failed.

        Of what is written for the problem's part, if any of that ran, else of everything, the most suspicious; of
        equals what has most of the words `about` in its name, then the longest, constructors last.
        """
        asked_for = (trace.functions & self._asked_for) or trace.functions
        enough = _SUSPICIOUS * max((self._score[at] for at in asked_for), default=0)

        def order(at: Lines) -> tuple[object, ...]:
            named = f"{PurePosixPath(at.file).name} {at.name}".lower()
            return (
                -round(self._score[at], 6),
                -sum(any(word in named for word in _ALIKE.get(word, (word,))) for word in about),
                at.name.endswith("__init__"),
                at.first - at.last,
                at.file,
                at.first,
            )

        return tuple(sorted((at for at in asked_for if self._score[at] >= enough), key=order)[:SHOWN])
