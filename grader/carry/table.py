"""What became of each region, for the student."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

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
    for line in lines(report, parts, dry_run=dry_run):
        console.print(visible(line), markup=False, highlight=False, soft_wrap=True)


def lines(report: Report, parts: Sequence[Part], *, dry_run: bool) -> Iterator[str]:
    """What is said below the table."""
    yield from _unwritten(_by_part(report.of(Fate.UNWRITTEN), parts))
    unplaced = report.of(Fate.UNPLACED)
    if unplaced:
        yield f"Could not be placed ({len(unplaced)}):"
        yield from _told([(item, item.why) for item in unplaced])
    noted = [item for item in report.of(Fate.CARRIED) if item.notes]
    if noted:
        yield "Carried, and worth a look:"
        yield from _told([(item, note) for item in noted for note in item.notes])
    kept = [item for item in report.of(Fate.KEPT) if item.why == HAS_WORK]
    if kept:
        yield f"Left alone, since there is work in them (--force overwrites it): {_names(kept)}."
    if report.additions:
        yield f"Came along, because carried code needs it: {_few(_came([item.name for item in report.additions]))}."
    yield from report.remarks
    if not report.changed:
        yield "Nothing to write."
    elif dry_run:
        yield f"Would change {len(report.changed)} files: {', '.join(report.changed)}. Nothing was written (--dry-run)."
    elif report.backup is not None:
        back = f"python3 -m zipfile -e {shlex.quote(report.backup)} {shlex.quote(str(Path(report.backup).parents[1]))}"
        yield f"The tree as it was is in {report.backup}. To go back: {back}"
        yield "Next: make grade"


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


def _unwritten(parts: Mapping[str, Sequence[Item]]) -> Iterator[str]:
    """What a student still has to write, a part a line: those that OLD has nothing of in one."""
    if parts:
        yield "Not in OLD, so still yours to write:"
    for title, items in parts.items():
        yield f"  {title}: {_few(_grouped([item.name for item in items]))}"


def _grouped(names: Sequence[str]) -> list[str]:
    """Methods of a class together: "Conv.compute, gradient"."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        owner, _, method = name.rpartition(".")
        found.setdefault(owner or name, []).append(method)
    return [
        f"{owner}.{'/'.join(methods)}" if all(methods) and owner not in methods else owner
        for owner, methods in found.items()
    ]


def _came(names: Sequence[str]) -> list[str]:
    """Each name once, and the imports at the end, by their module."""
    imports = [name.split()[1] for name in names if name.startswith(("import ", "from "))]
    own = [name for name in names if not name.startswith(("import ", "from "))]
    return list(dict.fromkeys([*own, *(f"import of {module}" for module in sorted(imports))]))


def _told(items: Sequence[tuple[Item, str]]) -> Iterator[str]:
    """Where each is, and what there is to say of it; what is said of several of a file is one line."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for item, why in items:
        groups.setdefault((item.region.path, why), []).append(item)
    for (path, why), found in groups.items():
        if len(found) == 1:
            yield f"  {_place(found[0])}: {why}"
        else:
            yield f"  {path}: {_few(_grouped([item.name for item in found]))}: {why}"


def _names(items: Sequence[Item]) -> str:
    return _few([item.name for item in items])


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MANY
    return ", ".join(names[:_MANY]) + (f" and {more} more" if more > 0 else "")
