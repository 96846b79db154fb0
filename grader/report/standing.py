"""A student's status on a terminal: a line a part, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.parts import Task
from grader.report.wording import count, in_line, points
from grader.status import PartStatus, Status

SHOWN = 6  # tasks named of the next part
WIDTH = 10  # of a bar


def print_status(console: Console, status: Status, options: str = "") -> None:
    """The table of the parts, then the next step. options: of every command that is shown."""
    console.print(_table(status))
    for line in (*_about_points(status), *_extras(status)):
        _say(console, line, "dim")
    for sentence in status.unreadable:
        _say(console, f"! {in_line(sentence)}", "red")
    console.print()
    for line in _next(status, options):
        _say(console, line)


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)  # commands are to be copied, so they are not wrapped


def _table(status: Status) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("part")
    table.add_column("written", justify="right")
    table.add_column()
    table.add_column("points", justify="right")
    for part in status.parts:
        title = f"{part.number} {in_line(part.part.title)}"
        table.add_row(title, f"{part.written} of {len(part.tasks)}", _bar(part), _points(part))
    if status.last:
        earned = sum(part.points or 0.0 for part in status.parts)
        total = points(earned, sum(part.max_points for part in status.parts))
        table.add_row(Text("total", style="bold"), "", "", Text(total, style="bold"))
    return table


def _bar(part: PartStatus) -> Text:
    filled = part.written * WIDTH // len(part.tasks) if part.tasks else 0
    return Text("#" * filled + "." * (WIDTH - filled), style="green" if filled == WIDTH else "")


def _points(part: PartStatus) -> Text:
    if part.points is None:
        return Text(f"- / {part.max_points:.1f}", style="dim")
    return Text(points(part.points, part.max_points), style="green" if part.done else "")


def _about_points(status: Status) -> list[str]:
    if status.last is None:
        return ["No points are known: this tree has not been graded here yet."]
    changed = "; the tree has changed since" if status.last.stale else ""
    return [f"Points are those of the last grading, {in_line(str(status.last.file))}{changed}."]


def _extras(status: Status) -> list[str]:
    extra = [task for part in status.parts for task in part.extra]
    told = [
        f"{path}, {sum(task.written for task in tasks)} of {len(tasks)}"
        for path in dict.fromkeys(task.region.path for task in extra)
        for tasks in [[task for task in extra if task.region.path == path]]
    ]
    return [f"Not counted: {'; '.join(told)}."] if told else []


def _next(status: Status, options: str) -> list[str]:
    tree = shlex.quote(str(status.tree))
    last, part = status.last, status.next
    if last and last.fault and not last.stale:
        return [f"The tree could not be graded: {in_line(last.fault.partition(chr(10))[0])}"]
    if part is None:
        if last and last.stale:
            return ["All points were earned, and the tree has changed since. Next:", _grade(tree, options)]
        return ["All points are earned here. Next, hand it in:", "  python submit.py --key KEY"]
    heading = f"Next: part {part.number}, {in_line(part.part.title)}."
    missing = [task for task in part.tasks if not task.written]
    if missing:
        return [f"{heading} Still to write:", *_listed(missing), "Then see what it earns:", _grade(tree, options, part)]
    if part.points is None or last is None or last.stale:
        return [f"{heading} All of it is written. See what it earns:", _grade(tree, options, part)]
    failing = next((name for name in part.part.problems if last.lost.get(name)), None)
    if failing is None:  # its cases are on devices that are not here
        return [f"{heading} No case fails here, and not every case could be run:", _grade(tree, options, part)]
    return [
        f"{heading} {count(last.lost[failing], 'case')} of {failing} lost. See the first with its inputs:",
        f"  python -m grader repro {shlex.quote(last.first[failing])} {tree} --seed {last.seed}{options}",
    ]


def _listed(tasks: Sequence[Task]) -> list[str]:
    more = len(tasks) - SHOWN
    lines = [f"  {in_line(task.name)}" for task in tasks[:SHOWN]]
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _grade(tree: str, options: str, part: PartStatus | None = None) -> str:
    select = f" -k {shlex.quote(' or '.join(part.part.problems))}" if part else ""
    return f"  python -m grader grade {tree}{select}{options}"
