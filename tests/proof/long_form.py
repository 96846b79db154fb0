"""The last long form of the proof, kept: right solutions on many seeds take too long for every run to have them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from proof.rights import RightOutcome

RIGHT_SEEDS = 20  # a run with as many for each right solution is the long form
FILE = Path(__file__).with_name("long_form.json")


@dataclass(frozen=True)
class Row:
    """What became of a right solution, or of the reference."""

    name: str
    devices: tuple[str, ...]
    seeds: int
    runs: int  # cases, over all seeds
    good: bool  # whether all of them passed
    error: float  # the largest, as a share of what is allowed
    where: str  # it was


@dataclass(frozen=True)
class LongForm:
    """The last run of the long form."""

    machine: str
    commit: str
    suite: str  # its hash: see grader.suite
    seed: int
    seconds: float
    rows: tuple[Row, ...]

    def save(self, file: Path = FILE) -> None:
        """In the place of the one before."""
        file.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def load_long_form(file: Path = FILE) -> LongForm | None:
    """The last run; None where there was none yet."""
    if not file.is_file():
        return None
    data = json.loads(file.read_text(encoding="utf-8"))
    rows = tuple(Row(**{**row, "devices": tuple(row["devices"])}) for row in data.pop("rows"))
    return LongForm(**data, rows=rows)


def rows_of(outcomes: Sequence[RightOutcome]) -> tuple[Row, ...]:
    """The solutions by name, the reference first."""
    ordered = sorted(outcomes, key=lambda item: (item.name != "reference", item.name, item.devices))
    return tuple(
        Row(item.name, item.devices, len(item.seeds), item.runs, item.good, item.margins.worst.error, worst.where)
        for item in ordered
        if (worst := item.margins.worst)
    )
