"""The grade on a terminal: points by problem, the first failures in plain words, then points by bucket."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.report.failures import Failure, group_failures, not_implemented
from grader.report.wording import count, in_line, points, shortened
from grader.score import Grade, ProblemScore
from grader.verdict import Verdict

# What a screen takes: of a tree that fails in one problem three failures, of one that fails in all ten one of each.
FIRST = 3  # failures told of a problem
TOLD = 8  # failures told of a tree, but one a problem at least
LINES = 12  # of a message; all of it is in grade.json


def print_grade(console: Console, grade: Grade) -> None:
    """One tree: its table, and what went wrong."""
    console = _plain_if_asked(console)
    title = Text.assemble((in_line(grade.tree), "bold"), f"  {points(grade.score, grade.max_score)}")
    console.print()
    console.rule(title, align="left", style="dim")
    if grade.fault:
        console.print(Text(shortened(grade.fault, 3 * LINES), style="red"))
        return
    console.print(_problem_table(grade))
    failing = [item for item in grade.problems if _lost(item)]
    told = max(1, min(FIRST, TOLD // max(1, len(failing))))
    for item in failing:
        _print_failures(console, item, told)
    command = next((f.command for item in failing for f in group_failures(item) if f.command), "")
    if command:
        console.print()
        # Not wrapped: it is to be copied.
        console.print(Text.assemble("To see the first with its inputs: ", (in_line(command), "bold")), soft_wrap=True)


def print_summary(console: Console, grades: Sequence[Grade]) -> None:
    """All trees side by side, a row a bucket."""
    console = _plain_if_asked(console)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("bucket")
    for grade in grades:
        table.add_column(Text(in_line(grade.tree)), justify="right")
    for name in dict.fromkeys(bucket.name for grade in grades for bucket in grade.buckets):
        table.add_row(name, *(_bucket_cell(grade, name) for grade in grades))
    totals = [Text(points(grade.score, grade.max_score), style="bold") for grade in grades]
    table.add_row(Text("total", style="bold"), *totals)
    console.print()
    console.print(table)
    for reason in dict.fromkeys(reason for grade in grades for reason in _absences(grade)):
        console.print(Text(reason, style="yellow"))
    for selection in dict.fromkeys(grade.selection for grade in grades if grade.selection):
        console.print(Text(f"Only a part was graded: -k {in_line(selection)}", style="yellow"))


def _plain_if_asked(console: Console) -> Console:
    """Without colours there is nothing left but bold and dim, and those are escape codes as well."""
    if not console.no_color:
        return console
    return Console(file=console.file, width=console.width, color_system=None, legacy_windows=False)


def _problem_table(grade: Grade) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("problem")
    table.add_column("points", justify="right")
    table.add_column("cases passed", justify="right")
    table.add_column()
    for item in grade.problems:
        absent = item.count(Verdict.NOT_RUN)
        table.add_row(
            item.problem.name,
            _points(item.score, item.max_score),
            f"{item.count(Verdict.PASS)} of {len(item.results) - absent}",
            Text(f"{absent} not run" if absent else "", style="yellow"),
        )
    return table


def _print_failures(console: Console, item: ProblemScore, told: int) -> None:
    missing, failures = not_implemented(item), group_failures(item)
    cases = len(item.results) - item.count(Verdict.NOT_RUN)
    console.print()
    console.print(Text(f"{item.problem.name}: {_lost(item)} of {count(cases, 'case')} lost", style="bold"))
    if missing:
        names = ", ".join(f"{name} ({number})" for name, number in missing.items())
        console.print(Padding(Text(f"not implemented: {names}"), (0, 0, 0, 2)))
    for failure in failures[:told]:
        _print_failure(console, failure)
    if len(failures) > told:
        more = count(len(failures) - told, "more kind")
        console.print(Padding(Text(f"... {more} of failure: see summary.md", style="dim"), (0, 0, 0, 2)))


def _print_failure(console: Console, failure: Failure) -> None:
    more = f"  and {failure.count - 1} more like it" if failure.count > 1 else ""
    head = Text.assemble((in_line(failure.first.case.id), "cyan"), (more, "dim"))
    console.print(Padding(head, (0, 0, 0, 2)))
    console.print(Padding(Text(shortened(failure.message, LINES)), (0, 0, 0, 4)))


def _lost(item: ProblemScore) -> int:
    return item.count(Verdict.FAIL) + item.count(Verdict.ERROR)


def _bucket_cell(grade: Grade, name: str) -> Text:
    for bucket in grade.buckets:
        if bucket.name == name:
            return _points(bucket.score, bucket.max_score)
    return Text("-")


def _points(score: float, max_score: float) -> Text:
    style = "yellow" if max_score == 0 else "green" if score == max_score else "red" if score == 0 else ""
    return Text(points(score, max_score), style=style)


def _absences(grade: Grade) -> list[str]:
    absent = [r for item in grade.problems for r in item.results if r.verdict is Verdict.NOT_RUN]
    found = dict.fromkeys((result.case.device, result.message) for result in absent)
    return [
        f"{count(sum((r.case.device, r.message) == (device, message) for r in absent), 'case')}"
        f"{f' on {device}' if device else ''} not run: {in_line(message)}"
        for device, message in found
    ]
