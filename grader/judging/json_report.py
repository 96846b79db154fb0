"""pytest-json-report's document of a run that was shared out: one document as if it had been one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PASSED, FAILED, USAGE, NOTHING_COLLECTED = 0, 1, 4, 5  # pytest's exit statuses that we know how to read


def merged(reports: Sequence[dict[str, Any]], about: dict[str, str]) -> dict[str, Any]:
    """The document of the whole run. reports: of its shares, each of which collected everything and ran a part.

    about: what the run was, for the document's `environment`.
    """
    first = reports[0]
    tests = {test["nodeid"]: test for report in reports for test in report.get("tests", [])}
    collectors = _collectors(reports)
    order = [node["nodeid"] for collector in collectors for node in collector["result"]]
    position = {name: number for number, name in enumerate(order)}
    statuses = {report["exitcode"] for report in reports}
    return {
        **first,
        "created": max(report["created"] for report in reports),
        "duration": max(report["duration"] for report in reports),
        # A share in which nothing was selected is no news where another had something.
        "exitcode": FAILED if FAILED in statuses else min(statuses),
        "environment": {**first["environment"], **about},
        "summary": _summary(reports),
        "collectors": collectors,
        "tests": sorted(tests.values(), key=lambda test: position[test["nodeid"]]),
    }


def collection_errors(report: dict[str, Any]) -> str:
    """What kept files of the suite from being collected; empty where nothing did."""
    return "\n".join(collector.get("longrepr", "") for collector in report.get("collectors", []))


def _summary(reports: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for report in reports:
        for name, number in report["summary"].items():
            counts[name] = counts.get(name, 0) + number
    # What each share collected is the whole; what all of them left out is what nobody ran.
    counts["collected"] = reports[0]["summary"].get("collected", 0)
    counts.pop("deselected", None)
    if left_out := counts["collected"] - counts.get("total", 0):
        counts["deselected"] = left_out
    return counts


def _collectors(reports: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    ran = {test["nodeid"] for report in reports for test in report.get("tests", [])}
    return [
        {**collector, "result": [_node(node, ran) for node in collector["result"]]}
        for collector in reports[0].get("collectors", [])
    ]


def _node(node: dict[str, Any], ran: set[str]) -> dict[str, Any]:
    """A collected node; one that another share ran is not deselected."""
    if node["nodeid"] in ran:
        return {key: value for key, value in node.items() if key != "deselected"}
    return node
