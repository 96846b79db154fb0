"""docs/proof.md: what a run of `make prove` has shown, for a person to read; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proof.bugs import BugOutcome
from proof.margins import Margins
from proof.mutants import Mutated, Survivor
from proof.plan import ELSEWHERE
from proof.rights import RightOutcome


@dataclass(frozen=True)
class Run:
    """What a run was made with."""

    machine: str  # the machine and the versions
    commit: str
    seed: int  # all others are drawn from it
    seconds: float
    cpu_seconds: float  # of all judges and workers
    cases: int  # that were run


HEAD = """# The proof

What `make prove` has shown: that the suite catches every planted bug of `tests/submissions/bugs/` in the problems that
the bug names, that no right solution of `tests/submissions/right/` loses a point, and how far both are from the
tolerances. This page is written by that command.
"""
_BUGS = f"""A bug is a patch of the reference. It is caught where every problem that it names loses points on each of
its seeds; the case in the table is the first that did, of those that run the changed code. Of a problem that it does
not name, no such case may fail. Where the bug says why one may, {ELSEWHERE} of them are run; what is lost there stands
in the last column, with the reason.
"""
_RIGHTS = """Each is correct, and does something in another way than the reference. Every case that runs what it changes
must pass, on every seed; on the first one the [delegation check](security.md) is on as well.
"""
_MARGINS = """Errors are shares of what is allowed at their place: up to 1 is right. For right answers this is the
largest error that any right solution and the reference had. A bug is run up to the first case that fails, so its error
is the largest of that case, not of all; the column has the smallest of these errors among the bugs that were caught by
numbers. Whatever lies between the two columns could be a tolerance.
"""
NEAR = 3.0  # a bug whose error is below is listed by name
_NEAR = """These were caught by an error of less than {near:g} times what is allowed: a wider tolerance could lose them.
"""
_NONE_NEAR = "No bug was caught by an error of less than {near:g} times what is allowed.\n"
_MUTATION = """`python -m proof --mutants all` changes single places in the solution regions of the reference, by the
operators of [cosmic-ray](https://cosmic-ray.readthedocs.io), and runs the cases that run the place, with three seeds at
most. This is what it found when it was run last. Changes that are right all the same stand below with the reason.
"""


def page(run: Run, bugs: Sequence[BugOutcome], rights: Sequence[RightOutcome], mutation: Sequence[Mutated]) -> str:
    """The page's text. mutation: the files whose mutants were run, before this run."""
    sections = [
        HEAD,
        _summary(run, bugs, rights),
        _wrong(bugs, rights),
        "## Planted bugs\n\n" + _BUGS,
        *(_area(area, own) for area, own in _by_area(bugs).items()),
        "## Right solutions\n\n" + _RIGHTS + "\n" + _rights(rights),
        "## Margins\n\n" + _MARGINS + "\n" + _margins(bugs, rights) + "\n" + _near(bugs),
        *([_mutation(mutation)] if mutation else []),
    ]
    return "\n".join(section for section in sections if section)


def _summary(run: Run, bugs: Sequence[BugOutcome], rights: Sequence[RightOutcome]) -> str:
    caught = sum(not (item.invalid or item.fault or item.missed) for item in bugs)
    seeds = sorted({len(item.seeds) for outcome in bugs for item in outcome.caught})
    unexpected = sum(len(item.unexpected) for item in bugs)
    solutions = [item for item in rights if item.name != "reference"]
    full, right_seeds = sum(item.good for item in solutions), sorted({len(item.seeds) for item in solutions})
    reference = [item for item in rights if item.name == "reference"]
    worst = max((item.margins.worst.error for item in rights), default=0.0)
    rows = [
        ("planted bugs caught", f"{caught} of {len(bugs)}, on {_numbers(seeds)} seeds each"),
        ("points lost where nothing explains it", str(unexpected or "none")),
        ("right solutions with every point", f"{full} of {len(solutions)}, on {_numbers(right_seeds)} seeds each"),
        *(("runs over the reference", f"{len(item.seeds)}, {len(item.lost) or 'no'} failures") for item in reference),
        ("largest error of a right answer", f"{worst:.3g} of what is allowed"),
        ("cases run", f"{run.cases:,}"),
        ("minutes", f"{run.seconds / 60:.1f}; of CPU time in judges and workers {run.cpu_seconds / 60:.1f}"),
        ("machine", run.machine),
        ("commit", run.commit),
        ("seed", f"`{run.seed}` (all others are drawn from it: `python -m proof --seed {run.seed}`)"),
    ]  # fmt: skip
    return _table(("what", "value"), rows)


def _wrong(bugs: Sequence[BugOutcome], rights: Sequence[RightOutcome]) -> str:
    """What is not as it should be; empty where everything is."""
    found = []
    for item in _ordered(bugs):
        name = f"`{item.bug.name}`"
        found += [f"- {name} proves nothing: {_line(item.invalid)}"] if item.invalid else []
        found += [f"- {name} shows a fault of the grader: {_line(item.fault)}"] if item.fault else []
        found += [f"- {name} is missed in {one.problem} on {len(one.missed)} seeds" for one in item.missed]
        found += [f"- {name} costs points in {one.problem}, by {_code(one.case)}" for one in item.unexpected]
    for right in sorted(rights, key=lambda item: item.name):
        if not right.good:
            why = (
                _line(right.invalid)
                or f"{len(right.lost)} cases fail: {_code(right.lost[0].case) if right.lost else ''}"
            )
            found.append(f"- the right solution `{right.name}` loses points: {why}")
    return "\n".join(["## What is wrong", "", *found, ""]) if found else ""


def _by_area(bugs: Sequence[BugOutcome]) -> dict[str, list[BugOutcome]]:
    areas: dict[str, list[BugOutcome]] = {}
    for item in _ordered(bugs):
        areas.setdefault(item.bug.area, []).append(item)
    return areas


def _ordered(bugs: Sequence[BugOutcome]) -> list[BugOutcome]:
    return sorted(bugs, key=lambda item: (item.bug.area, item.bug.name))


def _area(area: str, bugs: Sequence[BugOutcome]) -> str:
    rows = [(f"`{item.bug.name}`", item.bug.about, _caught(item), _lost(item)) for item in bugs]
    caught = sum(item.good for item in bugs)
    title = f"### {area}\n\n{caught} of {len(bugs)}\n"
    return title + "\n" + _table(("bug", "what it is", "caught in", "also lost"), rows)


def _caught(item: BugOutcome) -> str:
    if item.invalid or item.fault:
        return "**proves nothing**"
    return "<br>".join(
        f"**{one.problem}: missed on {len(one.missed)} of {len(one.seeds)} seeds**"
        if one.missed
        else f"{one.problem}: {_code(one.cases[0])}"
        for one in item.caught
    )


def _lost(item: BugOutcome) -> str:
    return "<br>".join(
        f"{one.problem}: {one.why}" if one.why else f"**{one.problem}**: unexplained, through {_code(one.through)}"
        for one in item.lost
    )


def _rights(rights: Sequence[RightOutcome]) -> str:
    rows = [
        (
            f"`{item.name}`",
            item.about,
            ", ".join(item.devices),
            f"{item.runs:,}",
            str(len(item.seeds)),
            "100" if item.good else "**less**",
            f"{item.margins.worst.error:.3g}",
        )
        for item in sorted(rights, key=lambda item: (item.name == "reference", item.name))
    ]
    return _table(("solution", "what is done otherwise", "devices", "cases", "seeds", "score", "largest error"), rows)


def _margins(bugs: Sequence[BugOutcome], rights: Sequence[RightOutcome]) -> str:
    largest = Margins()
    for right in rights:
        largest = largest.joined(right.margins)
    smallest: dict[tuple[str, str], _Beyond] = {}
    for item in _beyond(bugs):  # the nearest first
        smallest.setdefault((item.problem, item.device), item)
    rows = []
    for key in sorted(largest.largest.keys() | smallest.keys()):
        right, bug = largest.largest.get(key), smallest.get(key)
        answers = (f"{right.error:.3g}", _code(right.where)) if right else ("", "")
        rows.append((*key, *answers, *((_share(bug.error), _code(bug.name)) if bug else ("", ""))))
    return _table(("problem", "device", "right answers up to", "in", "caught bugs from", "which"), rows)


@dataclass(frozen=True)
class _Beyond:
    """A problem of a bug that was caught by numbers, and by how much."""

    error: float  # of the case that caught it, as a share of what is allowed
    problem: str
    device: str
    name: str  # the bug's
    case: str


def _beyond(bugs: Sequence[BugOutcome]) -> list[_Beyond]:
    """The nearest first."""
    found = [
        _Beyond(one.error, one.problem, outcome.bug.device, outcome.bug.name, one.cases[0])
        for outcome in _ordered(bugs)
        for one in outcome.caught
        if one.error is not None
    ]
    return sorted(found, key=lambda item: item.error)


def _near(bugs: Sequence[BugOutcome]) -> str:
    rows = [
        (_code(item.name), item.problem, item.device, f"{item.error:.3g}", _code(item.case))
        for item in _beyond(bugs)
        if item.error < NEAR
    ]
    if not rows:
        return _NONE_NEAR.format(near=NEAR)
    return _NEAR.format(near=NEAR) + "\n" + _table(("bug", "problem", "device", "error", "caught by"), rows)


def _mutation(files: Sequence[Mutated]) -> str:
    rows = [
        (item.file, str(item.made), str(item.made - len(item.survivors)), *_numbers_of(item.survivors))
        for item in files
    ]
    made = [sum(int(row[column]) for row in rows) for column in range(1, 5)]
    rows.append(("**all**", *map(str, made)))
    alive = [
        (item.file, _code(one.old), _code(one.new), one.why or "**a hole**") for item in files for one in item.survivors
    ]
    text = "## Mutation\n\n" + _MUTATION + "\n" + _table(("file", "mutants", "noticed", "right", "holes"), rows)
    return text + ("\n" + _table(("file", "is", "becomes", "why it may"), alive) if alive else "")


def _numbers_of(survivors: Sequence[Survivor]) -> tuple[str, str]:
    """Those that are right all the same, and holes."""
    right = sum(bool(one.why) for one in survivors)
    return str(right), str(len(survivors) - right)


def _share(value: float) -> str:
    return "beyond measure" if math.isinf(value) else f"{value:.3g}"


def _numbers(values: Sequence[int]) -> str:
    return " to ".join(map(str, sorted({values[0], values[-1]}))) if values else "0"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([*lines, ""])


def _code(text: str) -> str:
    """Text as code in a table's cell, whatever is in it."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{_line(text)}{fence}" if text else ""


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
