"""docs/proof.md: what a run of `make prove` has shown, for a person to read; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.report.wording import count
from proof.bugs import BugOutcome, Caught, Lost, in_order
from proof.long_form import Row
from proof.markdown import code, line, table
from proof.page_long_form import result, section, summary
from proof.page_margins import margins
from proof.plan import ELSEWHERE
from proof.rights import RightOutcome


@dataclass(frozen=True)
class Run:
    """What a run was made with."""

    machine: str  # the machine and the versions
    commit: str
    suite: str  # its hash
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
its seeds; the case in the table is the first that did, of those that run the changed code, and "raises" says that it
ended in an exception and not in a wrong answer. What is no program (a name that is not there, an import that fails)
proves nothing. Of a problem that the bug does not name, no such case may fail, on the first seed (`--elsewhere-seeds`
asks for more). Where the bug says why one may, {ELSEWHERE} of them are run; what is lost there stands in the last
column: the reason, and the changed functions that the case runs.
"""
_RIGHTS = """Each is correct, and does something in another way than the reference. Every case that runs what it changes
must pass, on every seed; on the first one the [delegation check](security.md) is on as well.
"""


def page(
    run: Run,
    bugs: Sequence[BugOutcome],
    rights: Sequence[RightOutcome],
    long: Sequence[Row] = (),
    more: Sequence[str] = (),
) -> str:
    """The page's text. long: what is kept of runs on many seeds; more: sections that are not of this run."""
    names = sorted(item.name for item in rights if item.name != "reference")
    sections = [
        HEAD,
        _summary(run, bugs, rights, summary(long, names)),
        _wrong(bugs, rights),
        "## Planted bugs\n\n" + _BUGS,
        *(_area(area, own) for area, own in _by_area(bugs).items()),
        "## Right solutions\n\n" + _RIGHTS + "\n" + _rights(rights),
        section(long, names, run.suite),
        margins(bugs, rights),
        *more,
    ]
    return "\n".join(section for section in sections if section)


def _summary(run: Run, bugs: Sequence[BugOutcome], rights: Sequence[RightOutcome], long: str) -> str:
    caught = sum(not (item.invalid or item.fault or item.missed) for item in bugs)
    seeds = sorted({len(item.seeds) for outcome in bugs for item in outcome.caught})
    unexpected = sum(len(item.unexpected) for item in bugs)
    solutions = [item for item in rights if item.name != "reference"]
    full, right_seeds = sum(item.good for item in solutions), sorted({len(item.seeds) for item in solutions})
    reference = [item for item in rights if item.name == "reference"]
    worst = max((item.margins.worst.error for item in rights), default=0.0)
    rows = [
        ("planted bugs caught", f"{caught} of {len(bugs)}, on {_seeds(seeds)} each"),
        ("points lost where nothing explains it", str(unexpected or "none")),
        ("right solutions with every point", f"{full} of {len(solutions)}, on {_seeds(right_seeds)} each"),
        *((f"runs over the reference on {', '.join(item.devices)}", _failures(item)) for item in reference),
        ("right solutions [on many seeds](#on-many-seeds)", long),
        ("largest error of a right answer", f"{worst:.3g} of what is allowed"),
        ("cases run", f"{run.cases:,}"),
        ("minutes", f"{run.seconds / 60:.1f}; of CPU time in judges and workers {run.cpu_seconds / 60:.1f}"),
        ("machine", run.machine),
        ("commit", run.commit),
        ("seed", f"`{run.seed}` (all others are drawn from it: `python -m proof --seed {run.seed}`)"),
    ]  # fmt: skip
    return table(("what", "value"), rows)


def _failures(reference: RightOutcome) -> str:
    return f"{len(reference.seeds)}, {len(reference.lost) or 'no'} failures"


def _wrong(bugs: Sequence[BugOutcome], rights: Sequence[RightOutcome]) -> str:
    """What is not as it should be; empty where everything is."""
    found = []
    for item in in_order(bugs):
        name = f"`{item.bug.name}`"
        found += [f"- {name} proves nothing: {line(item.invalid)}"] if item.invalid else []
        found += [f"- {name} shows a fault of the grader: {line(item.fault)}"] if item.fault else []
        found += [f"- {name} is missed in {one.problem} on {count(len(one.missed), 'seed')}" for one in item.missed]
        found += [f"- {name} costs points in {one.problem}, by {code(one.case)}" for one in item.unexpected]
    for right in sorted(rights, key=lambda item: item.name):
        if not right.good:
            why = (
                line(right.invalid) or f"{len(right.lost)} cases fail: {code(right.lost[0].case) if right.lost else ''}"
            )
            found.append(f"- the right solution `{right.name}` loses points: {why}")
    return "\n".join(["## What is wrong", "", *found, ""]) if found else ""


def _by_area(bugs: Sequence[BugOutcome]) -> dict[str, list[BugOutcome]]:
    areas: dict[str, list[BugOutcome]] = {}
    for item in in_order(bugs):
        areas.setdefault(item.bug.area, []).append(item)
    return areas


def _area(area: str, bugs: Sequence[BugOutcome]) -> str:
    rows = [(f"`{item.bug.name}`", item.bug.about, _caught(item), _lost(item)) for item in bugs]
    caught = sum(item.good for item in bugs)
    title = f"### {area}\n\n{caught} of {len(bugs)}\n"
    return title + "\n" + table(("bug", "what it is", "caught in", "also lost"), rows)


def _caught(item: BugOutcome) -> str:
    if item.invalid or item.fault:
        return "**proves nothing**"
    return "<br>".join(_caught_in(one) for one in item.caught)


def _caught_in(one: Caught) -> str:
    if one.missed:
        return f"**{one.problem}: missed on {len(one.missed)} of {len(one.seeds)} seeds**"
    return f"{one.problem}: {code(one.cases[0])}{', raises' if one.raises else ''}"


def _lost(item: BugOutcome) -> str:
    return "<br>".join(_lost_in(one) for one in item.lost)


def _lost_in(one: Lost) -> str:
    if one.why is None:
        return f"**{one.problem}**: unexplained, through {code(one.through)}"
    return f"{one.problem}: {one.why}, through {code(one.through)}"


def _rights(rights: Sequence[RightOutcome]) -> str:
    rows = [
        (
            f"`{item.name}`",
            item.about,
            ", ".join(item.devices),
            f"{item.runs:,}",
            str(len(item.seeds)),
            result(item.good),
            f"{item.margins.worst.error:.3g}",
        )
        for item in sorted(rights, key=lambda item: (item.name == "reference", item.name))
    ]
    return table(("solution", "what is done otherwise", "devices", "cases", "seeds", "result", "largest error"), rows)


def _seeds(values: Sequence[int]) -> str:
    """How many seeds: "5 seeds", "1 to 5 seeds"."""
    if not values:
        return "0 seeds"
    return ("" if values[0] == values[-1] else f"{values[0]} to ") + count(values[-1], "seed")
