"""The grade as GitHub Classroom reads it: the base64 result of a grading step, or the notices of a whole run.

A step of classroom-resources' autograding graders has an output `result`, base64 of a JSON document, and their
autograding-grading-reporter adds such results up. What Classroom itself reads are two notices on the run: "Autograding
complete" with `Points x/y`, and "Autograding report" with `{"totalPoints", "maxPoints"}`. So one of the two is enough.
"""

from __future__ import annotations

import base64
import json
import shlex
from typing import Any

from grader.report.topics import fitted, told
from grader.report.wording import shortened
from grader.score import Grade, ProblemScore
from grader.verdict import Verdict

# Bytes of JSON. The reporter gets the result by its environment, where Linux allows a variable of 128 KiB
# (MAX_ARG_STRLEN), and base64 takes a third more.
MOST = 90_000


def to_github_classroom(grade: Grade) -> str:
    """The base64 result, as a line."""
    text = fitted(lambda kinds, lines: json.dumps(_document(grade, kinds, lines)), MOST)
    return base64.b64encode(text.encode("ascii")).decode("ascii") + "\n"


def to_output(grade: Grade) -> str:
    """The line that makes it the output `result` of a step, in the file $GITHUB_OUTPUT."""
    return f"result={to_github_classroom(grade)}"


def to_notices(grade: Grade) -> str:
    """Workflow commands that make the two notices. Nothing in them comes from a submission."""
    report = json.dumps({"totalPoints": _number(grade.score), "maxPoints": _number(grade.max_score)})
    return (
        f"::notice title=Autograding complete::Points {_number(grade.score)}/{_number(grade.max_score)}\n"
        f"::notice title=Autograding report::{report}\n"
    )


def _document(grade: Grade, kinds: int, lines: int) -> dict[str, Any]:
    passed = grade.score == grade.max_score > 0
    return {
        "version": 1,
        "status": "error" if grade.fault else "pass" if passed else "fail",
        "max_score": _number(grade.max_score),
        "tests": [_test(grade, item, kinds, lines) for item in grade.problems],
    }


def _test(grade: Grade, item: ProblemScore, kinds: int, lines: int) -> dict[str, Any]:
    if grade.fault:
        status, message = "error", shortened(grade.fault, lines or 1)
    elif item.max_score == 0:
        status, message = "error", "not run: no case's device is on this machine; neither won nor lost"
    else:
        status = "pass" if item.score == item.max_score else "fail"
        message = told(item.results, kinds, lines)
    counted = len(item.results) - item.count(Verdict.NOT_RUN)
    return {
        "name": f"{item.problem.name}: {item.count(Verdict.PASS)} of {counted} cases",
        "status": status,
        "score": _number(item.score),
        "message": message or None,
        "test_code": f"python -m grader grade {shlex.quote(grade.tree)} -k {item.problem.name}",
        "filename": "",
        "line_no": 0,
        "duration": round(1000 * sum(result.seconds for result in item.results)),  # milliseconds
    }


def _number(value: float) -> float | int:
    """10 and not 10.0, as a person would write it."""
    return int(value) if value.is_integer() else value
