"""The grade as check50's JSON: a check for each test, without points.

The keys are those that check50 3.5.0 writes and reads (its runner.py, renderer/ and _exceptions.py): `passed` is null
for a check that was not run, and where nothing could be checked there is an `error` in the place of `results`.
"""

from __future__ import annotations

import json
from typing import Any

import grader
from grader.report.failures import failures_in
from grader.report.topics import Topic, fitted, told, topics_of
from grader.report.wording import count, in_line, shortened
from grader.score import Grade, ProblemScore

MOST = 4 << 20  # bytes; our own measure


def to_check50(grade: Grade) -> str:
    """The text of the document."""
    return fitted(lambda kinds, lines: json.dumps(_document(grade, kinds, lines), indent=4) + "\n", MOST)


def _document(grade: Grade, kinds: int, lines: int) -> dict[str, Any]:
    about = {"slug": grade.assignment, "version": grader.__version__}
    if grade.fault:
        said = shortened(grade.fault, lines or 1)
        error = {
            "type": "Error",
            "value": in_line(said.partition("\n")[0]),
            "traceback": [],
            "actions": {"show_traceback": False, "message": said},
            "data": {},
        }
        return {**about, "error": error}
    checks = [_check(item, topic, kinds, lines) for item in grade.problems for topic in topics_of(item)]
    return {**about, "results": checks}


def _check(item: ProblemScore, topic: Topic, kinds: int, lines: int) -> dict[str, Any]:
    return {
        "name": f"{item.problem.name}/{topic.name}",
        "description": f"{item.problem.name}: {topic.title}",
        "passed": topic.passed,
        "log": [],
        "cause": None if topic.passed else _cause(topic, kinds, lines),
        "data": {},
        "dependency": None,
    }


def _cause(topic: Topic, kinds: int, lines: int) -> dict[str, Any]:
    if topic.passed is None:
        reason = next((in_line(result.message) for result in topic.results if result.message), "")
        return {"rationale": f"not run: {reason}", "help": None}
    failures = failures_in(topic.results)
    said = told(topic.results, kinds, lines)
    if not failures:  # nothing but what is not implemented
        return {"rationale": f"{count(len(topic.lost), 'case')} lost: not implemented", "help": said}
    if not kinds:
        return {"rationale": said, "help": None}
    headline = shortened(failures[0].headline, 1)
    wrong = failures[0].first.evidence.wrong
    shown: dict[str, Any] = {"rationale": headline, "help": said}
    if wrong is not None:
        place = f"{in_line(wrong.name)} at {list(wrong.first)}"
        shown |= {"expected": f"{place}: {in_line(wrong.want[0])}", "actual": f"{place}: {in_line(wrong.got[0])}"}
    return shown
