"""The grade on a terminal: points by bucket and problem, then the first failures in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.report.failures import Failure, group_failures
from grader.score import Grade, ProblemScore
from grader.verdict import Verdict

FIRST = 3  # failures told of each problem; all of them are in grade.json


def print_grade(console: Console, grade: Grade) -> None:
    """One tree: its table, and what went wrong."""
    console.print()
    console.rule(f"[bold]{escape(grade.tree)}[/]  {grade.score:.1f} / {grade.max_score:.1f}", align="left")
    if grade.fault:
        console.print(Text(grade.fault, style="red"))
        return
    console.print(_problem_table(grade))
    for item in grade.problems:
        failures = group_failures(item)
        if failures:
            console.print(_failures(item, failures))


def print_summary(console: Console, grades: Sequence[Grade]) -> None:
    """All trees side by side, a row a bucket."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), title_justify="left")
    table.add_column("bucket")
    for grade in grades:
        table.add_column(escape(grade.tree), justify="right")
    for name in dict.fromkeys(bucket.name for grade in grades for bucket in grade.buckets):
        table.add_row(name, *(_bucket_cell(grade, name) for grade in grades))
    totals = [Text(f"{grade.score:.1f} / {grade.max_score:.1f}", style="bold") for grade in grades]
    table.add_row(Text("total", style="bold"), *totals)
    console.print()
    console.print(table)
    for reason in dict.fromkeys(reason for grade in grades for reason in _absences(grade)):
        console.print(Text(reason, style="yellow"))
    for selection in {grade.selection for grade in grades if grade.selection}:
        console.print(Text(f"Only a part was graded: -k {selection}", style="yellow"))


def _problem_table(grade: Grade) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for header, justify in (
        ("problem", "left"),
        ("points", "right"),
        ("cases passed", "right"),
        ("", "left"),
    ):
        table.add_column(header, justify=justify)  # type: ignore[arg-type]
    for item in grade.problems:
        counted = len(item.results) - item.count(Verdict.NOT_RUN)
        absent = item.count(Verdict.NOT_RUN)
        table.add_row(
            item.problem.name,
            Text(f"{item.score:.1f} / {item.max_score:.1f}", style=_style(item.score, item.max_score)),
            f"{item.count(Verdict.PASS)} of {counted}",
            Text(f"{absent} not run" if absent else "", style="yellow"),
        )
    return table


def _failures(item: ProblemScore, failures: Sequence[Failure]) -> RenderableType:
    wrong = item.count(Verdict.FAIL) + item.count(Verdict.ERROR)
    parts: list[RenderableType] = [
        Text(),
        Text(
            f"{item.problem.name}: {wrong} of {len(item.results) - item.count(Verdict.NOT_RUN)} cases lost",
            "bold",
        ),
    ]
    for failure in failures[:FIRST]:
        more = f"  (and {failure.count - 1} more like it)" if failure.count > 1 else ""
        parts.append(Padding(Text(f"{failure.first.case.id}{more}", style="cyan"), (0, 0, 0, 2)))
        parts.append(Padding(Text(failure.first.message), (0, 0, 0, 4)))
    if len(failures) > FIRST:
        parts.append(Padding(Text(f"... and {len(failures) - FIRST} more kinds of failure"), (0, 0, 0, 2)))
    return Group(*parts)


def _bucket_cell(grade: Grade, name: str) -> Text:
    for bucket in grade.buckets:
        if bucket.name == name:
            style = _style(bucket.score, bucket.max_score)
            return Text(f"{bucket.score:.1f} / {bucket.max_score:.1f}", style=style)
    return Text("-")


def _absences(grade: Grade) -> list[str]:
    absent = [r for item in grade.problems for r in item.results if r.verdict is Verdict.NOT_RUN]
    found = dict.fromkeys((result.case.device, result.message) for result in absent)
    return [
        f"{sum(r.case.device == device for r in absent)} cases on {device} were not run: {message}"
        for device, message in found
    ]


def _style(score: float, max_score: float) -> str:
    if max_score == 0:
        return "yellow"
    return "green" if score == max_score else "red" if score == 0 else "default"
