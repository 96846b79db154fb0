"""A notebook of the target, region by region: by the function or the heading that a region belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from grader.carry.outcome import HAS_WORK, Addition, Fate, Item
from grader.derive import MarkerError, Region, fill_region, find_regions
from grader.derive.written import is_written

SUFFIX = ".ipynb"


class NotebookPlan:
    """The plan for one notebook, of which OLD has an earlier version under the same path."""

    def __init__(self, path: str, text: str, regions: Sequence[Region], old: str, force: bool) -> None:
        self.path = path
        self._text = text
        self._remark = ""
        try:
            self._old = {_key(found, region): region for found in [find_regions(old, path)] for region in found}
        except MarkerError as error:
            self._old = {}
            self._remark = f"nothing was carried out of OLD's {error}"
        self._chosen: list[tuple[Region, Region]] = []  # of the target and of OLD, in the target's order
        self._items = [self._item(region, self._old.get(_key(regions, region)), force) for region in regions]

    def _item(self, region: Region, theirs: Region | None, force: bool) -> Item:
        source = "" if theirs is None else f"{theirs.path}:{theirs.first}"
        if theirs is None or not is_written(theirs):
            why = "OLD has no cell for it" if theirs is None else "is a stub in OLD"
            return Item(region, Fate.KEPT if is_written(region) else Fate.UNWRITTEN, source, why)
        if theirs.lines == region.lines:
            return Item(region, Fate.KEPT, source, "is the same in OLD")
        if is_written(region) and not force:
            return Item(region, Fate.KEPT, source, HAS_WORK)
        self._chosen.append((region, theirs))
        return Item(region, Fate.CARRIED, source)

    def checked_text(self) -> str:
        """The notebook with everything in it."""
        text = self._text
        for region, theirs in reversed(self._chosen):  # from the last one: line numbers below change
            text = fill_region(text, region, theirs.lines)
        return text

    def outcome(self) -> list[Item]:
        """What became of each region, in order."""
        return self._items

    def additions(self) -> list[Addition]:
        """What came along: a cell's code brings nothing."""
        return []

    def remarks(self) -> list[str]:
        """What is to be known of the other cells."""
        if self._chosen:
            return [
                f"Of {self.path} your marked code came along. In OLD's folder, `make carry UPGRADE=NEW.zip` would keep "
                "your own cells and files as well."
            ]
        return [self._remark] if self._remark else []


def _key(regions: Sequence[Region], region: Region) -> tuple[str, int]:
    """The region's name, and which of those with this name it is."""
    return region.name, [item.first for item in regions if item.name == region.name].index(region.first)
