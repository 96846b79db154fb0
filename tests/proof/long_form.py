"""What solutions did on many seeds, kept: it takes hours, and every run of the proof shows what was found then."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from proof.rights import RightOutcome

SEEDS = 20  # with as many, what became of a solution is kept
FILE = Path(__file__).with_name("long_form.json")


@dataclass(frozen=True)
class Row:
    """What became of a right solution, or of the reference, when it was last run on many seeds."""

    name: str
    devices: tuple[str, ...]
    seeds: int
    runs: int  # cases, over all seeds
    good: bool  # whether all of them passed
    error: float  # the largest, as a share of what is allowed
    where: str  # it was
    commit: str
    suite: str  # its hash: see grader.suite
    seed: int  # the run's


def load_rows(file: Path = FILE) -> list[Row]:
    """The reference first, then by name."""
    data = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    return [Row(**{**row, "devices": tuple(row["devices"])}) for row in data]


def keep(outcome: RightOutcome, commit: str, suite: str, seed: int, file: Path = FILE) -> None:
    """Put what became of a solution in the place of what is known of it; nothing where its seeds were few."""
    if len(outcome.seeds) < SEEDS:
        return
    worst, count = outcome.margins.worst, len(outcome.seeds)
    found = (outcome.devices, count, outcome.runs, outcome.good, worst.error, worst.where)
    others = [row for row in load_rows(file) if row.name != outcome.name]
    rows = [*others, Row(outcome.name, *found, commit, suite, seed)]
    rows.sort(key=lambda row: (row.name != "reference", row.name))
    file.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


def missing(rows: Iterable[Row], names: Iterable[str]) -> list[str]:
    """The solutions of which nothing is kept."""
    known = {row.name for row in rows}
    return [name for name in names if name not in known]
