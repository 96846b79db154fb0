"""Grades of the toy assignment, made without running anything, for the tests of the reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conftest import TOY

from grader.assignment import load_assignment
from grader.score import Grade, score
from grader.verdict import Case, CaseResult, Verdict

PASS, FAIL, ERROR, NOT_RUN = Verdict.PASS, Verdict.FAIL, Verdict.ERROR, Verdict.NOT_RUN
ABSENT = "no NVIDIA GPU: nvidia-smi is not there, so no driver is installed"
WRONG = "add: out is wrong at [3]: got 3.5, expected 7.0; 4 of 8 values differ. Input: a (8,), b (8,)."
RUN = "\nRun: python -m grader repro 'test_toy.py::test_add[cpu-8]' student --seed 1"
EVIL = (
    "x\x1b[31m\x1b]0;title\x07\n```\n</pre><script>alert(1)</script>\n"
    "# 10 / 10\n| add | 4 | 4 |\n[/red]\rRun: \ud800\u202e"
)


def result(
    problem: str,
    number: int,
    verdict: Verdict,
    message: str = "",
    test: str = "",
    device: str = "cpu",
    hidden: bool = False,
) -> CaseResult:
    name = f"test_{'hidden_' * hidden}toy.py::test_{test or problem}[{device}-{number}]"
    case = Case(name, problem, device, 1.0, f"It works{' in secret' * hidden}.", hidden)
    return CaseResult(case, verdict, 0.125, message)


def some_results() -> list[CaseResult]:
    """One problem passed, one half lost, one not run."""
    return [
        *(result("add", i, PASS) for i in range(3)),
        result("scale", 0, PASS),
        result("scale", 1, FAIL, WRONG + RUN),
        result("total", 0, NOT_RUN, ABSENT, device="gpu"),
    ]


def lost(*messages: str, verdict: Verdict = ERROR, problem: str = "scale") -> list[CaseResult]:
    """A whole run in which one problem lost a case a message."""
    others = [result(name, 0, PASS) for name in ("add", "scale", "total") if name != problem]
    return [*others, *(result(problem, i, verdict, message) for i, message in enumerate(messages))]


def made(found: Sequence[CaseResult] = (), **changes: Any) -> Grade:
    """A grade of the toy; its cases are `found`, or some of each kind."""
    about: dict[str, Any] = {
        "tree": "student",
        "tree_hash": "0123",
        "suite_hash": "4567",
        "seed": 1,
        "devices": ["cpu", "gpu"],
        "selection": "",
        "fault": None,
        "environment": {"python": "3.11"},
    }
    return score(load_assignment(TOY / "assignment"), found or some_results(), **{**about, **changes})
