"""The grade as GitHub Classroom reads it: the base64 result of a grading step, or the notices of a whole run.

A step of classroom-resources' autograding graders has an output `result`, base64 of a JSON document, and their
autograding-grading-reporter adds such results up, and prints what went wrong where GitHub's runner obeys. What
Classroom itself reads are two notices on the run: "Autograding complete" with `Points x/y`, and "Autograding report"
with `{"totalPoints", "maxPoints"}`. So one of the two is enough.
"""

from __future__ import annotations

import base64
import json
import shlex
from typing import Any

from grader.report.topics import fitted, told
from grader.report.wording import in_line, shortened
from grader.report.workflow import without_commands
from grader.score import Grade
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
        "tests": [_test(grade, number, kinds, lines) for number in range(len(grade.problems))],
    }


def _test(grade: Grade, number: int, kinds: int, lines: int) -> dict[str, Any]:
    item = grade.problems[number]
    if grade.fault and number:
        status, message = "error", "the tree could not be graded: see the first test"
    elif grade.fault:  # told once: it may be long, and there is little room
        status, message = "error", shortened(grade.fault, lines or 1)
    elif item.max_score == 0:
        status, message = "error", "not run: no case's device is on this machine; neither won nor lost"
    else:
        status = "pass" if item.score == item.max_score else "fail"
        message = told(item.results, kinds, lines)
    tree = shlex.quote(in_line(grade.tree))
    counted = len(item.results) - item.count(Verdict.NOT_RUN)
    return {
        "name": without_commands(f"{item.problem.name}: {item.count(Verdict.PASS)} of {counted} cases"),
        "status": status,
        "score": _number(item.score),
        "message": without_commands(message) or None,
        "test_code": without_commands(f"python -m grader grade {tree} -k {item.problem.name}"),
        "filename": "",
        "line_no": 0,
        "duration": round(1000 * sum(result.seconds for result in item.results)),  # milliseconds
    }


def _number(value: float) -> float | int:
    """10 and not 10.0, as a person would write it."""
    return int(value) if value.is_integer() else value
