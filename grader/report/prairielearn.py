"""The grade as PrairieLearn's results.json, which an external grader leaves in /grade/results/.

The keys are those of https://docs.prairielearn.com/externalGrading/. PrairieLearn refuses a file of more than 1 MB, and
does not count an attempt that is not `gradable`.
"""

from __future__ import annotations

import json
from typing import Any

from grader.report.topics import fitted, told, topics_of
from grader.report.wording import points, shortened
from grader.score import Grade, ProblemScore
from grader.verdict import Verdict

MOST = 1_000_000  # bytes, the smaller of the two things that are called 1 MB


def to_prairielearn(grade: Grade) -> str:
    """The text of results.json."""
    return fitted(lambda kinds, lines: json.dumps(_document(grade, kinds, lines), indent=1) + "\n", MOST)


def _document(grade: Grade, kinds: int, lines: int) -> dict[str, Any]:
    """`score` is a share, from 0 to 1."""
    faults = [shortened(grade.fault, lines or 1)] if grade.fault else []
    if not faults and grade.max_score == 0:
        faults = ["Nothing could be run: no case's device is on the machine that grades."]
    total = points(grade.score, grade.max_score)
    left_out = "\n".join(grade.account.told())
    return {
        "gradable": not faults,
        "score": 0.0 if faults else grade.score / grade.max_score,
        "message": f"{grade.assignment}: {total}" if not faults else "The tree could not be graded.",
        "output": shortened("\n".join(filter(None, [left_out, f"Seed {grade.seed}."])), 20),
        "images": [],
        "format_errors": faults,
        "tests": [] if faults else [_test(item, kinds, lines) for item in grade.problems],
    }


def _test(item: ProblemScore, kinds: int, lines: int) -> dict[str, Any]:
    if item.max_score == 0:
        message = "Not run: no case's device is on this machine. Neither won nor lost."
    else:
        counted = len(item.results) - item.count(Verdict.NOT_RUN)
        message = f"{item.count(Verdict.PASS)} of {counted} cases passed."
    return {
        "name": item.problem.name,
        "description": "\n".join(f"{_mark(topic.passed)} {topic.title}" for topic in topics_of(item)),
        "points": item.score,
        "max_points": item.max_score,
        "message": message,
        "output": told(item.results, kinds * 2, lines),
    }


def _mark(passed: bool | None) -> str:
    return "not run:" if passed is None else "passed:" if passed else "failed:"
