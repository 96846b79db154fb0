"""docs/proof.md, how far right answers and bugs are from the tolerances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proof.bugs import BugOutcome, in_order
from proof.margins import Margins
from proof.markdown import code, share, table
from proof.rights import RightOutcome

_HEAD = """Errors are shares of what is allowed at their place: up to 1 is right. For right answers this is the
largest error that any right solution and the reference had. A bug is run up to the first case that fails, so its error
is the largest of that case, not of all, and of its seeds the smallest; the column has the smallest of these errors
among the bugs that were caught by numbers. Whatever lies between the two columns could be a tolerance.
"""
NEAR = 3.0  # a bug whose error is below is listed by name
_NEAR = """These were caught by an error of less than {near:g} times what is allowed: a wider tolerance could lose them.
"""
_NONE_NEAR = "No bug was caught by an error of less than {near:g} times what is allowed.\n"


def margins(bugs: Sequence[BugOutcome], rights: Sequence[RightOutcome]) -> str:
    """The section."""
    return "## Margins\n\n" + _HEAD + "\n" + _table_of(bugs, rights) + "\n" + _near(bugs)


def _table_of(bugs: Sequence[BugOutcome], rights: Sequence[RightOutcome]) -> str:
    largest = Margins()
    for right in rights:
        largest = largest.joined(right.margins)
    smallest: dict[tuple[str, str], _Beyond] = {}
    for item in _beyond(bugs):  # the nearest first
        smallest.setdefault((item.problem, item.device), item)
    rows = []
    for key in sorted(largest.largest.keys() | smallest.keys()):
        right, bug = largest.largest.get(key), smallest.get(key)
        answers = (f"{right.error:.3g}", code(right.where)) if right else ("", "")
        rows.append((*key, *answers, *((share(bug.error), code(bug.name)) if bug else ("", ""))))
    return table(("problem", "device", "right answers up to", "in", "caught bugs from", "which"), rows)


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
        for outcome in in_order(bugs)
        for one in outcome.caught
        if one.error is not None
    ]
    return sorted(found, key=lambda item: item.error)


def _near(bugs: Sequence[BugOutcome]) -> str:
    rows = [
        (code(item.name), item.problem, item.device, f"{item.error:.3g}", code(item.case))
        for item in _beyond(bugs)
        if item.error < NEAR
    ]
    if not rows:
        return _NONE_NEAR.format(near=NEAR)
    return _NEAR.format(near=NEAR) + "\n" + table(("bug", "problem", "device", "error", "caught by"), rows)
