"""docs/proof.md, what solutions did on many seeds, perhaps before this run."""

from __future__ import annotations

from collections.abc import Sequence

from grader.report.wording import count
from proof.long_form import SEEDS, Row, missing
from proof.markdown import code, table

_HEAD = """`make prove PROVE="--right-seeds 20 --reference-seeds 100"` runs every solution on many seeds and on all of
its devices, and on the first seed the whole suite. It takes more than an hour, and may be done a few solutions at a
time (`--right A,B`, the reference is one, too), so this is what each did when it was run last.
"""


def result(good: bool) -> str:
    """Whether all cases passed, for a table."""
    return "all pass" if good else "**loses points**"


def section(rows: Sequence[Row], names: Sequence[str], suite: str) -> str:
    """names: of the solutions that there are; suite: its hash now."""
    cells = [_cells(row, suite) for row in rows]
    cells += [(code(name), "", "", "", "**not yet**", "", "", "") for name in missing(rows, names)]
    head = ("solution", "devices", "cases", "seeds", "result", "largest error", "in", "commit, seed")
    return f"### On many seeds\n\n{_HEAD}\n{table(head, cells)}"


def _cells(row: Row, suite: str) -> tuple[str, ...]:
    since = "" if row.suite == suite else "; the suite has changed since"
    where = f"{row.commit}, `{row.seed}`{since}"
    devices, error = ", ".join(row.devices), f"{row.error:.3g}"
    return code(row.name), devices, f"{row.runs:,}", str(row.seeds), result(row.good), error, code(row.where), where


def summary(rows: Sequence[Row], names: Sequence[str]) -> str:
    """All of it in a line; names: of the solutions that there are, without the reference."""
    full = sum(row.good for row in rows if row.name in names)
    text = f"{full} of {len(names)} on {SEEDS} seeds or more"
    for row in rows:
        if row.name == "reference":
            text += (
                f"; the reference on {count(row.seeds, 'seed')}, {'no failure' if row.good else '**with failures**'}"
            )
    return text
