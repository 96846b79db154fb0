"""Several documents of pytest-json-report, of the shares of one run, become the one of the whole run."""

from __future__ import annotations

from typing import Any

import pytest

from grader.judging.json_report import collection_errors, merged

NAMES = ["t.py::a", "t.py::b", "t.py::c"]


def share(*ran: str, status: int = 0) -> dict[str, Any]:
    """The document of a process that collected everything and ran a part."""
    nodes = [{"nodeid": name} if name in ran else {"nodeid": name, "deselected": True} for name in NAMES]
    summary = {"passed": len(ran), "total": len(ran), "collected": len(NAMES), "deselected": len(NAMES) - len(ran)}
    return {
        "created": 1.0,
        "duration": float(len(ran)),
        "exitcode": status,
        "root": "/",
        "environment": {},
        "summary": {name: count for name, count in summary.items() if count},
        "collectors": [{"nodeid": "t.py", "outcome": "passed", "result": nodes}],
        "tests": [{"nodeid": name, "outcome": "passed"} for name in ran],
    }


def test_order_is_that_of_the_suite() -> None:
    """Whichever share ran a test, it stands where the suite has it."""
    document = merged([share("t.py::c"), share("t.py::b"), share("t.py::a")], {})
    assert [test["nodeid"] for test in document["tests"]] == NAMES


def test_nothing_is_left_out_of_the_whole() -> None:
    """What one share left out, another one ran: the whole has nothing deselected, and every test once."""
    document = merged([share("t.py::a", "t.py::c"), share("t.py::b")], {})
    assert document["summary"] == {"passed": 3, "total": 3, "collected": 3}
    assert document["collectors"][0]["result"] == [{"nodeid": name} for name in NAMES]
    assert document["duration"] == 2.0


def test_what_nobody_ran_is_deselected() -> None:
    """A selection by -k leaves its mark."""
    document = merged([share("t.py::a"), share(status=5)], {})
    assert document["summary"] == {"passed": 1, "total": 1, "collected": 3, "deselected": 2}
    assert [node.get("deselected", False) for node in document["collectors"][0]["result"]] == [False, True, True]


@pytest.mark.parametrize(
    ("statuses", "status"), [([0, 0], 0), ([0, 5], 0), ([5, 1], 1), ([1, 0], 1), ([5, 5], 5)], ids=str
)
def test_exit_code_is_that_of_one_run(statuses: list[int], status: int) -> None:
    """A failure anywhere is a failure; a share without a selected case is no news beside one that had some."""
    assert merged([share("t.py::a", status=number) for number in statuses], {})["exitcode"] == status


def test_run_is_described() -> None:
    """What the run was stands in the document's environment."""
    assert merged([share("t.py::a")], {"seed": "7"})["environment"] == {"seed": "7"}


def test_collection_errors_are_found() -> None:
    """A file that could not be collected says why."""
    broken = {"collectors": [{"nodeid": "t.py", "outcome": "failed", "longrepr": "SyntaxError", "result": []}]}
    assert collection_errors(broken).strip() == "SyntaxError"
    assert collection_errors(share("t.py::a")).strip() == ""
