"""Does a right solution keep all its points: every case that it touches, on every seed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.errors import GraderError
from grader.verdict import Case, Verdict
from proof.bench import Bench, fault_of
from proof.catalogue import Right
from proof.judge import Result
from proof.margins import Margins, largest
from proof.trees import files_of


@dataclass(frozen=True)
class RightOutcome:
    """What became of a right solution, or of the reference itself."""

    name: str
    about: str
    devices: tuple[str, ...]
    seeds: tuple[int, ...]
    runs: int  # cases that were run, over all seeds
    invalid: str  # why nothing of it can be judged
    lost: tuple[Result, ...]  # what did not pass: a case that was not run shows nothing
    margins: Margins  # the largest errors of its right answers
    seconds: float
    cpu_seconds: float  # of the judges and the workers; without what was compiled

    @property
    def good(self) -> bool:
        """Whether every case passed on every seed."""
        return not self.invalid and not self.lost and self.runs > 0


def examine_right(right: Right, bench: Bench, seeds: Sequence[int], *, whole_suite: bool = False) -> RightOutcome:
    """Run what the solution touches on every seed, on the first one with the delegation check.

    whole_suite: on the first seed and device all other cases, too.
    """
    files = files_of(right, bench.reference)
    change = bench.change(files)
    cases = {device: bench.touched(change, device) for device in right.devices}
    main_device = right.devices[0]
    first = {**cases, main_device: _all_cases(bench, main_device)} if whole_suite else cases
    return _examine(right.name, right.about, files, [first, *[cases] * (len(seeds) - 1)], bench, seeds)


def examine_reference(bench: Bench, devices: Sequence[str], seeds: Sequence[int]) -> RightOutcome:
    """Run the whole suite over the reference on every seed."""
    cases = {device: _all_cases(bench, device) for device in devices}
    return _examine("reference", "The reference itself.", bench.reference, [cases] * len(seeds), bench, seeds)


def _all_cases(bench: Bench, device: str) -> dict[str, list[Case]]:
    return {
        problem: [case for case in bench.cases if case.problem == problem and case.device in (device, "")]
        for problem in bench.problems
    }


def _examine(
    name: str,
    about: str,
    files: Mapping[str, str],
    plans: Sequence[Mapping[str, Mapping[str, Sequence[Case]]]],
    bench: Bench,
    seeds: Sequence[int],
) -> RightOutcome:
    """plans: the cases of each seed, by device and problem."""
    start, devices = time.monotonic(), tuple(plans[0])
    by_id = {case.id: case for case in bench.cases}
    lost: list[Result] = []
    margins, runs, cpu, invalid = Margins(), 0, 0.0, ""
    try:
        with bench.built(name, files, devices) as tree:
            invalid = fault_of(tree, devices)
            for number, (seed, cases) in enumerate(zip(seeds, plans, strict=True) if not invalid else ()):
                for device, groups in cases.items():
                    with bench.judge.examine(tree, delegation=number == 0) as judge:
                        results = judge.run([case.id for group in groups.values() for case in group], seed)
                    runs, cpu = runs + len(results), cpu + judge.cpu_seconds
                    lost += [result for result in results if result.verdict is not Verdict.PASS]
                    margins = margins.joined(largest(results, by_id, device))
    except GraderError as error:  # of one tree: what the others show is not to be lost
        invalid = f"the harness is at fault: {error}"
    seconds = time.monotonic() - start
    return RightOutcome(name, about, devices, tuple(seeds), runs, invalid, tuple(lost), margins, seconds, cpu)
