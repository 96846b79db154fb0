"""The grade as Markdown: summary.md, for a job summary or a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.report.failures import Failure, group_failures, not_implemented
from grader.report.wording import FLAGS, count, flag_lines, in_line, points, shortened
from grader.score import Grade, ProblemScore
from grader.verdict import Verdict

FIRST = 5  # failures told of each problem
LINES = 40  # of each
FLAGGED = 20  # suspicions
MOST = 1 << 20  # bytes: of a longer summary of a step GitHub shows nothing
_ROOM = ((FIRST, LINES), (2, 20), (1, 10), (1, 1))  # (failures, lines), in the order in which they are given up


def to_markdown(grade: Grade, most: int = MOST) -> str:
    """The text of summary.md, in at most so many bytes of UTF-8.

    A submission's words stand in code only, where Markdown and HTML mean nothing.
    """
    for failures, lines in _ROOM:
        text = _markdown(grade, failures, lines)
        if len(text.encode("utf-8")) <= most:
            return text
    return f"## {grade.assignment}: {_code(grade.tree)}: {points(grade.score, grade.max_score)}\n"


def to_markdowns(grades: Sequence[Grade]) -> str:
    """One text of several grades."""
    return "\n".join(to_markdown(grade, MOST // len(grades) - 1) for grade in grades)


def _markdown(grade: Grade, first: int, most: int) -> str:
    total = points(grade.score, grade.max_score)
    lines = [f"## {grade.assignment}: {_code(grade.tree)}: {total}", ""]
    if grade.selection:
        lines += [f"Only a part was graded: {_code(f'-k {grade.selection}')}.", ""]
    if grade.fault:
        lines += [*_block(grade.fault, most), ""]
    lines += ["| bucket | problem | points | cases passed |", "|---|---|---:|---|"]
    lines += [
        f"| {item.problem.bucket} | {item.problem.name} | {points(item.score, item.max_score)} | {_cases(item)} |"
        for item in grade.problems
    ]
    lines += [f"| **total** | | **{total}** | |", ""]
    if not grade.fault:
        for item in grade.problems:
            lines += _failures(item, first, most)
    lines += _files(grade)
    lines += _flags(grade)
    checks = grade.environment.get("checks")
    lines.append(f"Seed {grade.seed}; devices {', '.join(grade.devices)}{f'; checks {checks}' if checks else ''}.")
    return "\n".join(lines) + "\n"


def _files(grade: Grade) -> list[str]:
    """Where the files come from, and which of them did not count."""
    lines = [f"Commit {_code(grade.account.commit)}.", ""] if grade.account.commit else []
    told = grade.account.told()
    return [*lines, "Of the files that were handed in:", "", *_block("\n".join(told), LINES), ""] if told else lines


def _cases(item: ProblemScore) -> str:
    absent = item.count(Verdict.NOT_RUN)
    passed = f"{item.count(Verdict.PASS)} of {len(item.results) - absent}"
    return f"{passed}, {absent} not run" if absent else passed


def _failures(item: ProblemScore, first: int, most: int) -> list[str]:
    missing, failures = not_implemented(item), group_failures(item)
    if not missing and not failures:
        return []
    lines = [f"### {item.problem.name}", ""]
    if missing:
        names = ", ".join(f"{_code(name)} ({count(number, 'case')})" for name, number in missing.items())
        lines += [f"Not implemented: {names}.", ""]
    for failure in failures[:first]:
        lines += [*_failure(failure, most), ""]
    if len(failures) > first:
        lines += [f"... and {len(failures) - first} more kinds of failure; all are in grade.json.", ""]
    return lines


def _failure(failure: Failure, most: int) -> list[str]:
    more = f" (and {failure.count - 1} more like it)" if failure.count > 1 else ""
    return [f"{_code(failure.first.case.id)}{more}", "", *_block(failure.first.message, most)]


def _flags(grade: Grade) -> list[str]:
    told = flag_lines(grade.flags, FLAGGED)
    if not told:
        return []
    return [
        f"### {FLAGS}",
        "",
        *(f"- {_code(place)}: {_code(text)}" if place else f"- {_code(text)}" for place, text in told),
        "",
    ]


def _code(text: str) -> str:
    """A span of code that its own text cannot end."""
    text = in_line(text) or " "
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


def _block(text: str, most: int) -> list[str]:
    # Indented and not fenced: a submission's words could close a fence and go on as Markdown of their own.
    return ["    " + line for line in shortened(text, most).split("\n")]
