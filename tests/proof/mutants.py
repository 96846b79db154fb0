"""Does a case notice a mutant: the reference with one place of a solution region changed by a program."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.derive.markers import pair_markers, split_lines
from grader.errors import GraderError, UsageError
from proof.bench import Bench, fault_of
from proof.bugs import LIMITS

if TYPE_CHECKING:
    from proof.mutate import Mutant


@dataclass(frozen=True)
class MutantOutcome:
    """What became of a mutant."""

    file: str
    mutant: Mutant
    by: str  # the case that noticed it; "" where none did
    touched: int  # cases that run what it changes
    seconds: float
    fault: str = ""  # what went wrong with the grader itself

    @property
    def good(self) -> bool:
        """Whether it was noticed."""
        return bool(self.by) and not self.fault


def chosen_files(reference: Mapping[str, str], wanted: Sequence[str], extra: Collection[str] = ()) -> list[str]:
    """The Python files that have solution regions and whose path ends with one of `wanted`; all for "all".

    extra: the files that earn nothing, which no case asks about: they are left out.
    Raises UsageError for a word that names none.
    """
    files = [
        path for path, text in reference.items() if path.endswith(".py") and path not in extra and _regions(path, text)
    ]
    for word in wanted:
        if word != "all" and not any(path.endswith(word) for path in files):
            raise UsageError(
                f"--mutants: no file with graded solution regions ends with {word!r}; they are: {', '.join(files)}."
            )
    return [path for path in files if any(word == "all" or path.endswith(word) for word in wanted)]


def mutants_of(path: str, text: str) -> list[Mutant]:
    """The mutants of a file's solution regions. Raises UsageError where cosmic-ray is not installed."""
    try:
        from proof.mutate import mutants  # here: whoever has no cosmic-ray can do all else
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--mutants needs cosmic-ray, of which {error.name} is not installed: pip install cosmic-ray==8.7.0"
        ) from None
    regions = _regions(path, text)
    return [item for item in mutants(text) if any(first <= item.line <= last for first, last in regions)]


def _regions(path: str, text: str) -> list[tuple[int, int]]:
    return [(span.first, span.last) for span in pair_markers(split_lines(text), path, "###")]


def mutant_job(path: str, mutant: Mutant, bench: Bench, seeds: Sequence[int]) -> Callable[[], MutantOutcome]:
    """See examine_mutant."""
    return lambda: examine_mutant(path, mutant, bench, seeds)


def examine_mutant(path: str, mutant: Mutant, bench: Bench, seeds: Sequence[int]) -> MutantOutcome:
    """Run what it touches, seed by seed, until a case fails; the cases that run least come first."""
    start = time.monotonic()
    files = {**bench.reference, path: mutant.source}
    [device] = bench.assignment.devices.graded[:1]
    groups = bench.touched(bench.change(files), device).values()
    order = [case.id for group in sorted(groups, key=len) for case in group]  # a problem at a time: a worker each
    by, fault = "", ""
    try:
        with bench.built("mutant", files, [device]) as tree:
            by = fault_of(tree, [device])
            if not by:
                with bench.judge.examine(tree, limits=LIMITS) as judge:
                    for seed in seeds:
                        results = judge.run(order, seed, until_lost=True)
                        by = next((result.case for result in results if result.lost), "")
                        if by:
                            break
    except GraderError as error:  # of one mutant: what the others show is not to be lost
        fault = str(error)
    return MutantOutcome(path, mutant, by, len(order), time.monotonic() - start, fault)


def mutant_lines(outcome: MutantOutcome) -> list[str]:
    """A line that says what became of it, and its change where nothing notices it."""
    where = f"{outcome.file}:{outcome.mutant.line} {outcome.mutant.operator}"
    if outcome.fault:
        return [
            f"FAULT       {where}: the grader itself",
            *(f"    | {line}" for line in outcome.fault.splitlines()[-12:]),
        ]
    if outcome.good:
        return [f"noticed     {where} by {outcome.by}"]
    head = f"SURVIVES    {where}, {outcome.touched} cases run it"
    return [head, f"    - {outcome.mutant.old}", f"    + {outcome.mutant.new}"]
