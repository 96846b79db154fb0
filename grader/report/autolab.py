"""The grade as an Autolab autograder prints it: a line of semantic feedback, then the scores as the very last line.

The two lines are those of https://docs.autolabproject.com/lab/: JSON in the last one, and `"_presentation": "semantic"`
before it. Autolab reads the output of a whole job, so nothing may be printed behind them.
"""

from __future__ import annotations

import json
from typing import Any

from grader.report.topics import Topic, fitted, told, topics_of
from grader.report.wording import shortened
from grader.score import Grade
from grader.verdict import Verdict

MOST = 256 << 10  # bytes of both lines; Tango cuts a job's output at 1000 KiB unless it is told otherwise


def to_autolab(grade: Grade) -> str:
    """The two lines. JSON in ASCII, without a line break in it: no word of a submission becomes a line of its own."""
    return fitted(lambda kinds, lines: f"{_line(_feedback(grade, kinds, lines))}\n{_line(_scores(grade))}\n", MOST)


def _scores(grade: Grade) -> dict[str, Any]:
    """A score for each of the problems, which Autolab must have under the same names; none for what was not run."""
    passed = sum(item.count(Verdict.PASS) for item in grade.problems)
    return {
        "scores": {item.problem.name: item.score for item in grade.problems if item.max_score > 0},
        "scoreboard": [grade.score, passed],
    }


def _feedback(grade: Grade, kinds: int, lines: int) -> dict[str, Any]:
    stages: dict[str, dict[str, Any]] = {}
    if grade.fault:
        stages["the tree"] = {"can be graded": {"passed": False, "hint": shortened(grade.fault, lines or 1)}}
    else:
        for item in grade.problems:
            topics = [topic for topic in topics_of(item) if topic.counted]
            if topics:
                stages[item.problem.name] = {topic.name: _test(topic, kinds, lines) for topic in topics}
    return {"_presentation": "semantic", "stages": list(stages), **stages}


def _test(topic: Topic, kinds: int, lines: int) -> dict[str, Any]:
    if topic.passed:
        return {"passed": True}
    return {"passed": False, "hint": f"{topic.title}\n\n{told(topic.results, kinds, lines)}"}


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=True, allow_nan=False)
