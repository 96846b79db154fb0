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
    if any(part.points is not None for part in status.parts):
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
    known = [part for part in status.parts if part.points is not None]
    stale = [str(part.number) for part in known if part.stale]
    if not known:
        return ["No points are known: no part has been graded here yet."]
    changed = ""
    if stale:
        of = "" if len(stale) == len(known) else f" that of part{'s' * (len(stale) > 1)} {', '.join(stale)}"
        changed = f"; the tree has changed since{of}"
    return [f"Points are those of each part's last grading, {in_line(str(status.file))}{changed}."]


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
    part = status.next
    if status.fault:
        first, _, more = status.fault.partition("\n")
        if first.endswith(":"):  # "FILE does not compile:", and the compiler's first error
            first += f" {more.strip().partition(chr(10))[0]}"
        told = f"The tree could not be graded: {in_line(first)}"
        return [told, "Mend that first. All of what is wrong:", _grade(tree, options)]
    if status.unreadable:
        return ["Next: mend what stands after each ! above; what these files hold is not counted until then."]
    if part is None:
        if any(part.stale for part in status.parts):
            return ["All points were earned, and the tree has changed since. Next:", _grade(tree, options)]
        return ["All points are earned here. Next, hand it in:", "  python submit.py --key KEY"]
    heading = f"Next: part {part.number}, {in_line(part.part.title)}."
    missing = [task for task in part.tasks if not task.written]
    if missing:
        before = [] if any(part.written for part in status.parts) else _carry(tree, options)
        after = ["Then see what it earns:", _grade(tree, options, part)]
        return [*before, f"{heading} Still to write:", *_listed(missing), *after]
    if part.points is None or part.stale:
        return [f"{heading} All of it is written. See what it earns:", _grade(tree, options, part)]
    if part.lost is None:  # its cases are on devices that are not here
        return [f"{heading} No case fails here, and not every case could be run:", _grade(tree, options, part)]
    name, found = part.lost
    if not found.first:
        return [
            f"{heading} {count(found.lost, 'case')} of {name} lost, and all are hidden: what they ask is not shown."
        ]
    return [
        f"{heading} {count(found.lost, 'case')} of {name} lost. See the first with its inputs:",
        f"  python -m grader repro {shlex.quote(found.first)} {tree} --seed {found.seed}{options}",
    ]


def _carry(tree: str, options: str) -> list[str]:
    """Where nothing is written yet: much of it may have been written before."""
    command = f"  python -m grader carry --from ../hw3 --to {tree}{options}"
    return ["Have you got an earlier homework? Bring it over first, a folder, a zip or a tar:", command, ""]


def _listed(tasks: Sequence[Task]) -> list[str]:
    more = len(tasks) - SHOWN
    lines = [f"  {in_line(task.name)}" for task in tasks[:SHOWN]]
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _grade(tree: str, options: str, part: PartStatus | None = None) -> str:
    select = f" -k {shlex.quote(' or '.join(part.part.problems))}" if part else ""
    return f"  python -m grader grade {tree}{select}{options}"
