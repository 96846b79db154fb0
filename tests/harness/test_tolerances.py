"""hw4's tolerances: docs/tolerances.md, assignment.toml and tolerances.py say the same, and comparisons obey them."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from grader.assignment import load_assignment
from grader.compare import Mismatch, assert_close, assert_scalar
from grader.subject.ask import Ask
from grader.subject.outcome import Answer
from grader.subject.question import Question
from grader.tolerance import DEFAULT, Tolerance

HW4 = load_assignment(ROOT / "tests" / "hw4")
TEXT = (ROOT / "docs" / "tolerances.md").read_text(encoding="utf-8")
U = 2.0**-24


def rows(heading: str) -> dict[str, list[str]]:
    """The table below a heading: the name in backquotes at the front -> the row's other cells."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` \|(.*)\|$", section, re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in found}


def own() -> dict[str, dict[str, float]]:
    """What tests/hw4/tolerances.py holds."""
    spec = importlib.util.spec_from_file_location("hw4_tolerances", HW4.suite / "tolerances.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.isupper()}


def test_the_table_of_problems_is_the_assignments() -> None:
    """Every problem, with its rtol and atol."""
    stated = {name: (float(cells[3]), float(cells[4])) for name, cells in rows("Problems").items()}
    assert stated == {problem.name: (problem.rtol, problem.atol) for problem in HW4.problems}


@pytest.mark.parametrize("problem", HW4.problems, ids=lambda problem: problem.name)
def test_a_tolerance_is_its_bound_and_little_more(problem: Any) -> None:
    """In units of u: what right answers may be off by, and twice that at most; those measured are below 0.3 of it."""
    _, bound, atol, _, _, measured = rows("Problems")[problem.name]
    assert float(atol) == round(problem.atol / U)
    assert float(bound) <= problem.atol / U <= 2 * float(bound)
    assert float(measured) < 0.3


def test_the_table_of_special_cases_is_the_suites() -> None:
    """Every tolerance of tests/hw4/tolerances.py, with its rtol and atol."""
    stated = {
        name: (float(cells[2]), float(cells[3])) for name, cells in rows("Cases with tolerances of their own").items()
    }
    assert stated == {name: (value["rtol"], value["atol"]) for name, value in own().items()}


def test_no_test_of_hw4_has_a_number_of_its_own() -> None:
    """Each tolerance is named, and so derived."""
    written = {
        f"{file.name}: {line.strip()}"
        for file in HW4.suite.glob("test_*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(r"\b[ra]tol\s*=", line)
    }
    assert written == set()


class Fixed:
    """A subject that answers the same array, whatever it is asked."""

    def __init__(self, value: float) -> None:
        self.value = value

    def ask(self, *_: Any) -> Answer:
        return Answer(Question("probe", ""), {"x": np.array([self.value], np.float64)})


def probe(needle: Any, device: Any) -> dict[str, Any]:
    """Never run: the subject is a fake."""
    raise AssertionError


@pytest.mark.parametrize("check", [assert_close, assert_scalar], ids=["array", "number"])
def test_an_answer_is_compared_with_the_tolerance_of_its_question(check: Any) -> None:
    """A tenth is near where the problem allows a fifth; it is far where that allows nothing, and by default."""
    want: Any = [1.0] if check is assert_close else 1.0
    check(Ask(Fixed(1.1), "cpu", Tolerance(0.0, 0.2))(probe).x, want)  # type: ignore[arg-type]
    for tolerance in (Tolerance(0.0, 0.0), DEFAULT):
        with pytest.raises(Mismatch):
            check(Ask(Fixed(1.1), "cpu", tolerance)(probe).x, want)  # type: ignore[arg-type]


def test_what_a_test_says_goes_before_the_problems_tolerance() -> None:
    """Each of the two by itself."""
    answer = Ask(Fixed(1.1), "cpu", Tolerance(0.0, 0.2))(probe)  # type: ignore[arg-type]
    with pytest.raises(Mismatch):
        assert_close(answer.x, [1.0], atol=0.0)
    assert_close(answer.x, [1.0], atol=0.0, rtol=0.2)


def test_a_tolerance_is_no_part_of_what_was_asked() -> None:
    """Two questions are the same whatever their answers are compared with."""
    assert Question("conv", "k 3", tolerance=Tolerance(0.0, 0.0)) == Question("conv", "k 3")
