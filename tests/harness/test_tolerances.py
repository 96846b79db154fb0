"""hw4's tolerances: docs/tolerances.md, assignment.toml and tolerances.py say the same, and comparisons obey them."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
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
    """In units of u: what right answers may be off by, and twice that at most."""
    _, bound, atol, _, _ = rows("Problems")[problem.name]
    assert float(atol) == round(problem.atol / U)
    assert float(bound) <= problem.atol / U <= 2 * float(bound)


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


Product = Callable[[np.ndarray, np.ndarray], np.ndarray]

# Sizes of a product (m, n) @ (n, p), and the spread of its second matrix.
PRODUCTS = {
    "conv_forward": (30, 27, 8, 1.0),
    "nd_backend": (31, 33, 33, 1.0),
    "resnet9": (64, 1152, 32, (2 / 1152) ** 0.5),
}


def one_by_one(a: np.ndarray, b: np.ndarray, dtype: type[np.floating[Any]] = np.float32) -> np.ndarray:
    """The product of two matrices, one term after the other; the sums are kept in `dtype`."""
    total = np.zeros((len(a), b.shape[1]), dtype)
    for k in range(a.shape[1]):
        total = (total + a[:, k, None] * b[k]).astype(dtype)
    return total


def short(a: np.ndarray) -> np.ndarray:
    """Rounded to 10 bits behind the first one."""
    return ((a.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


ARITHMETIC: dict[str, Product] = {
    "float32, one term after the other": one_by_one,
    "factors rounded to 10 bits, as TF32 does": lambda a, b: one_by_one(short(a), short(b)),
    "added up in float16": lambda a, b: one_by_one(a, b, np.float16),
    "one of the terms left out": lambda a, b: one_by_one(a[:, :-1], b[:-1]),
}


def share(name: str, compute: Product, seed: int) -> float:
    """The largest error of a random product, as a share of what the problem allows in its place."""
    (problem,) = (problem for problem in HW4.problems if problem.name == name)
    m, n, p, spread = PRODUCTS[name]
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(size=shape).astype(np.float32) for shape in ((m, n), (n, p)))
    b *= np.float32(spread)
    want = a.astype(np.float64) @ b
    allowed = problem.atol * max(1.0, np.abs(want).max()) + problem.rtol * np.abs(want)
    return float((np.abs(compute(a, b) - want) / allowed).max())


@pytest.mark.parametrize("column", range(len(PRODUCTS)), ids=PRODUCTS)
@pytest.mark.parametrize("arithmetic", ARITHMETIC)
def test_float32_passes_and_cheaper_arithmetic_does_not(arithmetic: str, column: int) -> None:
    """As far from the limit as the page says, in each of 5 draws."""
    section = TEXT.split("\n## What they let through, and what not\n")[1].split("\n## ")[0]
    (row,) = (line for line in section.splitlines() if line.startswith(f"| {arithmetic} |"))
    side, limit = row.strip("| ").split(" | ")[1 + column].split()
    shares = [share(list(PRODUCTS)[column], ARITHMETIC[arithmetic], seed) for seed in range(5)]
    assert side in ("below", "above")
    assert all((value < float(limit.replace(",", ""))) is (side == "below") for value in shares), shares


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
