"""What gradings found of a tree, problem by problem, kept beside its reports.

grade.json tells of one run. Who works on part 2 grades part 2, and must not lose sight of the points of part 1.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grader.assignment import Assignment
from grader.report.audience import is_nameless
from grader.verdict import LOST

FILE = "standing.json"
_SCHEMA = "needle-standing/1"


@dataclass(frozen=True)
class Earned:
    """What the last whole grading of a problem found."""

    score: float
    lost: int  # cases that failed, or met an error
    first: str  # the id of the first of them that can be repeated; "" where there is none
    seed: int
    tree_hash: str  # of the tree that was graded


@dataclass(frozen=True)
class Standing:
    """All that is remembered of a tree."""

    problems: Mapping[str, Earned]  # by name; only those that were graded
    fault: str = ""  # why the tree could not be graded at all, the last time; "" where it could
    fault_hash: str = ""  # of the tree with that fault


def recall(assignment: Assignment, folder: Path) -> Standing:
    """What is remembered in a tree's folder of reports; nothing where there is none, or it is cut off or another's."""
    try:
        document: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Standing({})
    if not isinstance(document, dict) or (document.get("schema"), document.get("assignment")) != (
        _SCHEMA,
        assignment.name,
    ):
        return Standing({})
    problems = {name: Earned(**found) for name, found in document["problems"].items()}
    return Standing(problems, document["fault"], document["fault_hash"])


def remembered(assignment: Assignment, folder: Path, document: Mapping[str, Any]) -> str:
    """What is to stand in FILE after one more grading, whose grade.json `document` is.

    A problem of which only some cases were run keeps what it had: three cases that pass are not its points. Nor is what
    a simulated device alone has found.
    """
    past = recall(assignment, folder)
    if not set(document["devices"]) <= set(assignment.devices.simulates):
        past = _with(assignment, past, document)
    content = {"schema": _SCHEMA, "assignment": assignment.name, **asdict(past)}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _with(assignment: Assignment, past: Standing, document: Mapping[str, Any]) -> Standing:
    tree_hash = document["tree_hash"]
    if document["fault"]:
        return Standing(past.problems, document["fault"], tree_hash)
    lost = [case for case in document["cases"] if case["verdict"] in LOST]
    count = Counter(case["problem"] for case in lost)
    # Without its real id nobody could repeat a hidden case.
    told = [case for case in lost if not is_nameless(case["id"], hidden=case.get("hidden", False))]
    first = {case["problem"]: case["id"] for case in reversed(told)}
    whole = _whole(assignment, document["selection"])
    found = {
        name: Earned(item["score"], count[name], first.get(name, ""), document["seed"], tree_hash)
        for name, item in document["problems"].items()
        if item["cases"] and name in whole
    }
    return Standing({**past.problems, **found})


def _whole(assignment: Assignment, selection: str) -> set[str]:
    """The problems of which a -k expression leaves no case out: without one all, else those named in "a or b"."""
    names = {problem.name for problem in assignment.problems}
    words = selection.split()
    if not words:
        return names
    return names.intersection(words[::2]) if set(words[1::2]) <= {"or"} else set()
