"""The grade on a terminal: points by problem, the first failures in plain words, then points by bucket."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.report.failures import Failure, group_failures, lost_of, not_implemented
from grader.report.wording import FLAGS, count, flag_lines, in_line, points, shortened
from grader.score import Grade, ProblemScore
from grader.verdict import Verdict

# What a screen takes: of a tree that fails in one problem three failures, of one that fails in all ten one of each.
FIRST = 3  # failures told of a problem
TOLD = 8  # failures told of a tree, but one a problem at least
LINES = 10  # of a message; all of it is in grade.json
FLAGGED = 5  # suspicions; all are in grade.json
NAMES = 8  # of what is not implemented in a problem
GAP = 3  # blanks between columns
COLUMN = 14  # of a tree in the summary: "99.99 / 100.0"


def print_grade(console: Console, grade: Grade) -> None:
    """One tree: its table, and what went wrong."""
    console = _plain_if_asked(console)
    title = Text.assemble((in_line(grade.tree), "bold"), f"  {points(grade.score, grade.max_score)}")
    console.print()
    console.rule(title, align="left", style="dim")
    for sentence in grade.account.told():  # before a fault: a helper that was left out may be the cause
        console.print(Text(in_line(sentence), style="yellow"))
    if grade.fault:
        console.print(Text(shortened(grade.fault, 3 * LINES), style="red"))
        _print_flags(console, grade)
        return
    console.print(_problem_table(grade))
    failing = [item for item in grade.problems if lost_of(item.results)]
    told = max(1, min(FIRST, TOLD // max(1, len(failing))))
    known: set[str] = set()
    apart = True
    for item in failing:
        failures = group_failures(item)
        # What is not implemented takes two lines a problem; apart, those of an untouched tree would fill a screen.
        if apart or failures:
            console.print()
        apart = bool(failures)
        _print_lost(console, item)
        _print_failures(console, failures, told, known)
    command = next((f.command for item in failing for f in group_failures(item) if f.command), "")
    if command:
        console.print()
        # Not wrapped: it is to be copied.
        console.print(Text.assemble("To see the first with its inputs: ", (in_line(command), "bold")), soft_wrap=True)
    _print_flags(console, grade)


def print_summary(console: Console, grades: Sequence[Grade]) -> None:
    """All trees side by side, a row a bucket."""
    console = _plain_if_asked(console)
    # As many trees as there is room for: squeezed columns would show half a number.
    names = [name for grade in grades for name in (bucket.name for bucket in grade.buckets)]
    room = console.width - max(map(len, [*names, "bucket"])) - GAP
    abreast = max(1, room // (COLUMN + GAP))
    for start in range(0, len(grades), abreast):
        console.print()
        console.print(_bucket_table(grades[start : start + abreast]))
    for reason in dict.fromkeys(reason for grade in grades for reason in _absences(grade)):
        console.print(Text(reason, style="yellow"))
    for selection in dict.fromkeys(grade.selection for grade in grades if grade.selection):
        console.print(Text(f"Only a part was graded: -k {in_line(selection)}", style="yellow"))


def _bucket_table(grades: Sequence[Grade]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    table.add_column("bucket")
    for grade in grades:
        table.add_column(
            Text(in_line(grade.tree), overflow="fold"), justify="right", min_width=COLUMN, max_width=COLUMN
        )
    for name in dict.fromkeys(bucket.name for grade in grades for bucket in grade.buckets):
        table.add_row(name, *(_bucket_cell(grade, name) for grade in grades))
    totals = [Text(points(grade.score, grade.max_score), style="bold") for grade in grades]
    table.add_row(Text("total", style="bold"), *totals)
    return table


def _plain_if_asked(console: Console) -> Console:
    """Without colours there is nothing left but bold and dim, and those are escape codes as well."""
    if not console.no_color:
        return console
    return Console(file=console.file, width=console.width, color_system=None, legacy_windows=False)


def _problem_table(grade: Grade) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
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


def _print_lost(console: Console, item: ProblemScore) -> None:
    lost, cases = len(lost_of(item.results)), len(item.results) - item.count(Verdict.NOT_RUN)
    console.print(Text(f"{item.problem.name}: {lost} of {count(cases, 'case')} lost", style="bold"))
    names = [f"{name} ({number})" for name, number in not_implemented(item).items()]
    if names:
        rest = f", and {len(names) - NAMES} more" if len(names) > NAMES else ""
        _indented(console, Text(f"not implemented: {', '.join(names[:NAMES])}{rest}"), 2)


def _print_failures(console: Console, failures: Sequence[Failure], told: int, known: set[str]) -> None:
    """The first failures of a problem, `told` of them; of those whose kind is in `known` no more than a line."""
    for failure in failures[:told]:
        more = f"  and {failure.count - 1} more like it" if failure.count > 1 else ""
        _indented(console, Text.assemble((in_line(failure.first.case.id), "cyan"), (more, "dim")), 2)
        again = failure.kind in known
        text = f"as above: {failure.headline}" if again else shortened(failure.message, LINES)
        for line in text.split("\n"):
            _indented(console, Text(line.lstrip(" ")), 4 + len(line) - len(line.lstrip(" ")))
        known.add(failure.kind)
    if len(failures) > told:
        more = count(len(failures) - told, "more kind")
        _indented(console, Text(f"... {more} of failure: see summary.md", style="dim"), 2)


def _print_flags(console: Console, grade: Grade) -> None:
    told = flag_lines(grade.flags, FLAGGED)
    if told:
        console.print()
        console.print(Text(FLAGS, style="bold"))
    for place, text in told:
        _indented(console, Text.assemble((place, "cyan"), ": " if place else "", text), 2)


def _indented(console: Console, text: Text, indent: int) -> None:
    """The text wrapped, further lines two deeper. Padding would fill every line with blanks up to the edge."""
    width = max(20, console.width - indent - 2)
    for i, line in enumerate(text.wrap(console, width)):
        line.rstrip()
        console.print(Text(" " * (indent + (2 if i else 0))) + line, soft_wrap=True)


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
