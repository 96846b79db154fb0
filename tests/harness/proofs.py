"""What the tests of tests/proof share: small bugs, cases and outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proof.bugs import BugOutcome, Caught, Lost
from proof.catalogue import Bug, Edit, Reference
from proof.margins import Extreme, Margins
from proof.rights import RightOutcome

from grader.assignment import Assignment
from grader.verdict import Case

ELEMENTWISE = "vec/elementwise.py"


def reference(toy: Assignment, root: Path, files: Mapping[str, str] | None = None) -> Reference:
    """A reference for the toy assignment."""
    for path, text in (files or {ELEMENTWISE: "def add(a, b):\n    return a + b\n"}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return Reference(root, toy)


def bug_text(**changed: Any) -> str:
    """A file of the catalogue with one bug; a keyword replaces a key, and None leaves it out."""
    keys = {
        "name": '"subtracts"',
        "about": '"Subtracts where it should add."',
        "file": f'"{ELEMENTWISE}"',
        "old": '"a + b"',
        "new": '"a - b"',
        "problems": '["add"]',
    }
    keys.update(changed)
    return "[[bug]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


def bug(name: str = "subtracts", area: str = "ops", **changed: Any) -> Bug:
    """A bug of the problem `add`."""
    edits = (Edit(ELEMENTWISE, "a + b", "a - b"),)
    return Bug(name, area, "Subtracts where it should add.", edits, ("add",), changed.get("depends", {}), "cpu")


def case(name: str, problem: str = "add", device: str = "cpu") -> Case:
    """A case of the toy's suite."""
    return Case(f"test_toy.py::{name}", problem, device, 1.0, "")


def caught(*cases: str, error: float | None = 50.0) -> Caught:
    """What became of the problem `add`, with a case a seed."""
    return Caught("add", cases, tuple(range(11, 11 + len(cases))), 7, 2, 1, error)


def bug_outcome(name: str = "subtracts", *, by: tuple[str, ...] = ("one", "two"), **changed: Any) -> BugOutcome:
    """A bug's outcome; by: the cases that catch it, one a seed."""
    area = changed.pop("area", "ops")
    return BugOutcome(bug(name, area), caught=(caught(*by, error=changed.pop("error", 50.0)),), **changed)


def lost(problem: str, why: str | None) -> Lost:
    """Points lost in a problem that a bug does not name."""
    return Lost(problem, "test_toy.py::test_scale[cpu-3]", "scale: wrong", "vec/elementwise.py:add", why)


def right_outcome(name: str = "backwards", **changed: Any) -> RightOutcome:
    """A right solution's outcome."""
    values: dict[str, Any] = {
        "about": "Goes through the vectors backwards.",
        "devices": ("cpu",),
        "seeds": (5,),
        "runs": 9,
        "invalid": "",
        "lost": (),
        "margins": Margins({("add", "cpu"): Extreme(0.25, "test_toy.py::test_add[cpu-8]")}),
        "seconds": 1.0,
        "cpu_seconds": 2.0,
    }
    return RightOutcome(name, **{**values, **changed})
