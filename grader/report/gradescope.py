"""The grade as Gradescope's results.json: a test with points for each problem, and one without for each of its tests.

The keys are those of https://gradescope-autograders.readthedocs.io/en/latest/specs/. Points stand with the problems
only, so that the tests' scores add up to the whole score as they are written.
"""

from __future__ import annotations

import json
from typing import Any

from grader.report.failures import lost_of
from grader.report.topics import Topic, fitted, told, topics_of
from grader.report.wording import FLAGS, count, flag_lines, in_line, points, shortened
from grader.score import Grade, ProblemScore
from grader.verdict import Verdict

MOST = 4 << 20  # bytes; our own measure, Gradescope names none
_FLAGGED = 50

# What of a hidden case's details students see there. A reader who gets none of the details may see that it exists.
_VISIBILITY = {"student": "visible", "staff": "hidden", "released": "after_published"}


def to_gradescope(grade: Grade) -> str:
    """The text of results.json."""
    return fitted(lambda kinds, lines: json.dumps(_document(grade, kinds, lines), indent=1) + "\n", MOST)


def _document(grade: Grade, kinds: int, lines: int) -> dict[str, Any]:
    tests = []
    for number, item in enumerate(grade.problems, start=1):
        tests.append(_problem(item, number, grade.fault is not None, kinds, lines))
        if grade.fault is None:
            for position, topic in enumerate(topics_of(item), start=1):
                tests.append(_topic(item, topic, f"{number}.{position}", grade.audience, kinds, lines))
    if grade.flags:
        said = "\n".join(f"{place}: {text}" if place else text for place, text in flag_lines(grade.flags, _FLAGGED))
        tests.append(_entry("flags", FLAGS, said, visibility="hidden"))
    return {
        "score": grade.score,
        "execution_time": _seconds(grade),
        "output": _about(grade, lines),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",  # what the grader prints is for whoever runs it
        "extra_data": {
            "schema": "needle-grade/1",
            "max_score": grade.max_score,
            "tree_hash": grade.tree_hash,
            "suite_hash": grade.suite_hash,
            "seed": grade.seed,
            "devices": list(grade.devices),
        },
        "tests": tests,
        "leaderboard": [
            {"name": "points", "value": grade.score, "order": "desc"},
            {"name": "cases passed", "value": sum(item.count(Verdict.PASS) for item in grade.problems)},
        ],
    }


def _seconds(grade: Grade) -> float:
    """What the cases took that students see; they see this sum whatever is hidden below it."""
    shown = (result for item in grade.problems for result in item.results if not result.case.hidden)
    return round(sum(result.seconds for result in shown), 3)


def _about(grade: Grade, kept: int) -> str:
    """What stands above the tests, for everybody."""
    lines = [f"{grade.assignment}: {points(grade.score, grade.max_score)}"]
    if grade.fault:
        lines += ["", shortened(grade.fault, kept or 1)]
    if grade.selection:
        lines.append(f"Only a part was graded: -k {in_line(grade.selection)}")
    absent = [item.problem.name for item in grade.problems if item.max_score == 0]
    if absent:
        lines.append(f"Not run, as their devices are not here, and neither won nor lost: {', '.join(absent)}")
    lines += map(in_line, grade.account.told())
    lines.append(f"Seed {grade.seed}; devices {', '.join(grade.devices)}.")
    return "\n".join(lines)


def _problem(item: ProblemScore, number: int, fault: bool, kinds: int, lines: int) -> dict[str, Any]:
    shown = [result for result in item.results if not result.case.hidden]
    hidden = [result for result in item.results if result.case.hidden and result.verdict is not Verdict.NOT_RUN]
    said = [] if fault else [told(shown, kinds, lines)]
    if hidden and not fault:
        said.append(f"{len(lost_of(hidden))} of {count(len(hidden), 'hidden case')} lost.")
    entry = _entry(str(number), item.problem.name, "\n\n".join(filter(None, said)), tags=[item.problem.bucket])
    scored = {"score": item.score, "max_score": item.max_score}
    if item.max_score == 0:
        return {**scored, **entry, "output": "Not run: no case's device is on this machine."}
    return {**scored, "status": "passed" if item.score == item.max_score else "failed", **entry}


def _topic(item: ProblemScore, topic: Topic, number: str, audience: str, kinds: int, lines: int) -> dict[str, Any]:
    tags = [item.problem.bucket, item.problem.name, *dict.fromkeys(result.case.device for result in topic.results)]
    visibility = _VISIBILITY[audience] if topic.hidden else "visible"
    output = told(topic.results, kinds, lines) if topic.counted else "Not run: its device is not on this machine."
    name = f"{item.problem.name}: {topic.name.rpartition('::')[2]}: {topic.title}"
    entry = _entry(number, name, output, visibility=visibility, tags=[tag for tag in tags if tag])
    return entry if topic.passed is None else {"status": "passed" if topic.passed else "failed", **entry}


def _entry(
    number: str, name: str, output: str, *, visibility: str = "visible", tags: list[str] | None = None
) -> dict[str, Any]:
    return {
        "name": in_line(name),
        "name_format": "text",
        "number": number,
        "output": output,
        "output_format": "text",  # as it is: neither HTML nor Markdown nor colours of a submission mean anything
        "tags": tags or [],
        "visibility": visibility,
    }
