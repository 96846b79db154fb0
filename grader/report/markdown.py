"""The grade as Markdown: summary.md, for a job summary or a pull request."""

from __future__ import annotations

from grader.report.failures import group_failures
from grader.score import Grade, ProblemScore
from grader.verdict import Verdict

FIRST = 5  # failures told of each problem


def to_markdown(grade: Grade) -> str:
    """The text of summary.md."""
    lines = [f"## {grade.assignment}: {grade.tree}: {grade.score:.1f} / {grade.max_score:.1f}", ""]
    if grade.selection:
        lines += [f"Only a part was graded: `-k {grade.selection}`.", ""]
    if grade.fault:
        lines += [*_block(grade.fault), ""]
    lines += ["| bucket | problem | points | of | cases passed |", "|---|---|---:|---:|---|"]
    for item in grade.problems:
        lines.append(
            f"| {item.problem.bucket} | {item.problem.name} | {item.score:.1f} | {item.max_score:.1f} "
            f"| {item.count(Verdict.PASS)} of {len(item.results) - item.count(Verdict.NOT_RUN)}{_absent(item)} |"
        )
    lines += [f"| **total** | | **{grade.score:.1f}** | **{grade.max_score:.1f}** | |", ""]
    for item in [] if grade.fault else grade.problems:
        failures = group_failures(item)
        if failures:
            lines += [f"### {item.problem.name}", ""]
            for failure in failures[:FIRST]:
                count = f" (and {failure.count - 1} more like it)" if failure.count > 1 else ""
                lines += [f"`{failure.first.case.id}`{count}", "", *_block(failure.first.message), ""]
            if len(failures) > FIRST:
                lines += [
                    f"... and {len(failures) - FIRST} more kinds of failure; all are in grade.json.",
                    "",
                ]
    lines.append(f"Seed {grade.seed}; devices {', '.join(grade.devices)}.")
    return "\n".join(lines) + "\n"


def _absent(item: ProblemScore) -> str:
    count = item.count(Verdict.NOT_RUN)
    return f", {count} not run" if count else ""


def _block(text: str) -> list[str]:
    # Indented and not fenced: a submission's words could close a fence and go on as Markdown of their own.
    return ["    " + line for line in text.splitlines()]
