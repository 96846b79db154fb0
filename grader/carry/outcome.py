"""What became of each region, and of the rest of OLD."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.derive import Region
from grader.derive.written import is_written

HAS_WORK = "there was work here already"  # why a region is left alone without --force


class Fate(enum.Enum):
    """What became of a region."""

    CARRIED = "carried"
    KEPT = "kept"  # there was work in it already
    UNWRITTEN = "not in OLD"  # OLD has no such function, or only its stub
    UNPLACED = "not placed"  # OLD has it, and it cannot go in as it is


@dataclass(frozen=True)
class Item:
    """A region of the target, and what became of it."""

    region: Region
    fate: Fate
    source: str = ""  # where it is in OLD, "python/needle/ops.py:120"; "" where it is not
    why: str = ""  # of what was not carried, and the remedy
    notes: tuple[str, ...] = ()  # of what was carried: what to look at

    @property
    def name(self) -> str:
        """What it is called: "Conv.gradient"."""
        return self.region.name or ("at module level" if not self.region.in_function else f"line {self.region.first}")


class Notes:
    """What became of the regions of one file, noted while it is planned."""

    def __init__(self, regions: Sequence[Region], force: bool, items: Mapping[int, Item] | None = None) -> None:
        self.regions = regions
        self.items: dict[int, Item] = dict(items or {})  # by the region's place among `regions`
        self._force = force

    def is_kept(self, number: int, source: str) -> bool:
        """Whether a region is left alone since there is work in it; it is then noted."""
        region = self.regions[number]
        if self._force or not is_written(region):
            return False
        self.items[number] = Item(region, Fate.KEPT, source, HAS_WORK)
        return True

    def note(self, number: int, fate: Fate, source: str, why: str) -> None:
        """Note why nothing was carried into a region."""
        region = self.regions[number]
        if is_written(region) and fate is Fate.UNWRITTEN:
            fate, why = Fate.KEPT, f"{why}; your work here stays"
        self.items[number] = Item(region, fate, source, why)


@dataclass(frozen=True)
class Addition:
    """Something that came along into the target because carried code needs it."""

    path: str  # of the target's file
    name: str  # "prod", "NDArray.process_slice", "import math"
    source: str  # where it is in OLD


@dataclass(frozen=True)
class Report:
    """What a run has done, or would do."""

    items: tuple[Item, ...]  # a region each, in the order of the target's files
    additions: tuple[Addition, ...]
    remarks: tuple[str, ...]  # files that cannot be read, and what in OLD has no place here
    changed: tuple[str, ...]  # files of the target with other contents than before
    backup: str | None  # the saved tree, as it is to be named to the student; None where nothing was written

    def of(self, fate: Fate) -> list[Item]:
        """The regions with this fate."""
        return [item for item in self.items if item.fate is fate]
