"""What a run tells while it goes on: a line an item, and what to do about those that are not as they should be."""

from __future__ import annotations

from grader.report.wording import count
from proof.bugs import BugOutcome, Caught
from proof.rights import RightOutcome

_MESSAGE_LINES = 6


def bug_lines(outcome: BugOutcome) -> list[str]:
    """A line that says what became of a bug, and more where something is to be done."""
    bug = outcome.bug
    told = f"{bug.name}, {outcome.runs} cases, {outcome.cpu_seconds:.1f} s of CPU time"
    if outcome.invalid:
        return [
            f"invalid     {told}",
            f"    {outcome.invalid}",
            "    Do: change the bug, so that only its own cases see it.",
        ]
    if outcome.fault:
        return [
            f"FAULT       {told}: the grader itself",
            *(f"    | {line}" for line in outcome.fault.splitlines()[-12:]),
        ]
    if outcome.good:
        by = ", ".join(f"{item.problem} by {item.cases[0]} {counts(item)}" for item in outcome.caught)
        also = "".join(f"; also lost: {item.problem}" for item in outcome.lost)
        return [f"caught      {told}: {by}{also}"]
    lines = []
    for item in outcome.missed:
        seeds = f"{len(item.missed)} of {len(item.seeds)} seeds"
        lines.append(f"MISSED      {told}: {item.problem} keeps its points on {seeds}")
        if item.touched == 0:
            lines.append(f"    No case of {item.problem} runs what the bug changes.")
        elif item.lost:
            lines.append(f"    On seed {item.seeds[0]}: {item.cases[0]} {counts(item)}; not on {_some(item.missed)}.")
        lines.append(f"    Do: give {item.problem} a case that catches it on every seed, or name another problem.")
    for lost in outcome.unexpected:
        lines.append(f"UNEXPECTED  {told}: {lost.problem} loses points")
        lines.append(f"    in {lost.case}, through {lost.through}")
        lines += [f"    | {line}" for line in lost.message.splitlines()[:_MESSAGE_LINES]]
        lines.append(
            f'    Do: add `{lost.problem} = "why"` to depends, or {lost.problem} to problems, if that is right.'
        )
    return lines


def counts(item: Caught) -> str:
    """How many cases it took: "(1 of 1 run, of 24)"."""
    return f"({item.lost} of {item.tried} run fail; {item.touched} touched)"


def right_lines(outcome: RightOutcome) -> list[str]:
    """The same of a right solution."""
    seeds = count(len(outcome.seeds), "seed")
    told = f"{outcome.name}, {seeds}, {outcome.runs} cases, {outcome.cpu_seconds:.1f} s of CPU time"
    if outcome.good:
        worst = outcome.margins.worst
        return [f"right       {told}, largest error {worst.error:.3g} of what is allowed, in {worst.where}"]
    lines = [f"LOSES       {told}: {outcome.invalid or f'{len(outcome.lost)} cases lose points'}"]
    if not outcome.invalid and not outcome.runs:
        lines.append("    No case runs what it changes.")
    for result in outcome.lost[:3]:
        lines.append(f"    {result.case}, seed {result.seed}")
        lines += [f"    | {line}" for line in result.message.splitlines()[:_MESSAGE_LINES]]
    return lines


def _some(seeds: tuple[int, ...]) -> str:
    return ", ".join(map(str, seeds[:3])) + (" and more" if len(seeds) > 3 else "")
