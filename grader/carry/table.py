"""What became of each region, for the student."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from grader.assignment import Part
from grader.carry.outcome import HAS_WORK, Fate, Item, Report
from grader.parts import part_of
from grader.visible import visible

_MANY = 12  # names listed of what needs nothing done
_ELSEWHERE = "other files"


def print_report(console: Console, report: Report, parts: Sequence[Part], *, dry_run: bool) -> None:
    """Print the table, then what is to be looked at, then what to do next."""
    console.print(_table(report, parts))
    for line in lines(report, dry_run=dry_run):
        console.print(visible(line), markup=False, highlight=False, soft_wrap=True)


def lines(report: Report, *, dry_run: bool) -> Iterator[str]:
    """What is said below the table."""
    unplaced = report.of(Fate.UNPLACED)
    if unplaced:
        yield f"Could not be placed ({len(unplaced)}):"
        yield from _unplaced(unplaced)
    noted = [item for item in report.of(Fate.CARRIED) if item.notes]
    if noted:
        yield "Carried, and worth a look:"
        yield from (f"  {_place(item)}: {'; '.join(item.notes)}" for item in noted)
    kept = [item for item in report.of(Fate.KEPT) if item.why == HAS_WORK]
    if kept:
        yield f"Left alone, since there is work in them (--force overwrites it): {_names(kept)}."
    if report.additions:
        yield f"Came along, because carried code needs it: {_few([item.name for item in report.additions])}."
    yield from report.remarks
    if not report.changed:
        yield "Nothing to write."
    elif dry_run:
        yield f"Would change {len(report.changed)} files: {', '.join(report.changed)}. Nothing was written (--dry-run)."
    else:
        yield f"Backup: {report.backup}. Next: make grade"


def _table(report: Report, parts: Sequence[Part]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("part")
    for fate in Fate:
        table.add_column(fate.value, justify="right")
    for title, items in _by_part(report.items, parts).items():
        table.add_row(visible(title), *(str(sum(item.fate is fate for item in items) or "") for fate in Fate))
    table.add_row("in all", *(str(len(report.of(fate))) for fate in Fate))
    return table


def _by_part(items: Sequence[Item], parts: Sequence[Part]) -> dict[str, list[Item]]:
    """The regions that a student writes, by part, or by file where the assignment has no parts."""
    found: dict[str, list[Item]] = {part.title: [] for part in parts}
    for item in items:
        place = part_of(parts, item.region)
        title = place[0].title if place is not None else (_ELSEWHERE if parts else item.region.path)
        found.setdefault(title, []).append(item)
    return {title: items for title, items in found.items() if items}


def _place(item: Item) -> str:
    where = f" (in OLD at {item.source})" if item.source else ""
    return f"{item.region.path}:{item.region.first} {item.name}{where}"


def _unplaced(items: Sequence[Item]) -> Iterator[str]:
    """Where each is, why, and what to do; what fails for one reason is one line."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.region.path, item.why), []).append(item)
    for (path, why), found in groups.items():
        if len(found) == 1:
            yield f"  {_place(found[0])}: {why}"
        else:
            yield f"  {path}: {', '.join(item.name for item in found)}: {why}"


def _names(items: Sequence[Item]) -> str:
    return _few([item.name for item in items])


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MANY
    return ", ".join(names[:_MANY]) + (f" and {more} more" if more > 0 else "")
