"""A tree's answers to the submission cases: each by itself, whatever the tree does; on the toy assignment."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TOY, lay_over

from grader.assignment import Assignment, load_assignment
from grader.errors import GraderError, UsageError
from grader.subject.outcome import SubjectError
from grader.submission.answers import CaseAnswer, TreeAnswers, compute
from grader.submission.cases import framed, unframed
from grader.submission.selection import without


@pytest.fixture
def answers(toy: Assignment, tmp_path: Path) -> Any:
    """The answers of one of the toy's submissions."""

    def answer(
        name: str, select: str = "", assignment: Assignment = toy, watch: Any = lambda event: None
    ) -> TreeAnswers:
        tree = tmp_path / name
        return compute(
            assignment, tree if tree.exists() else lay_over(name, tree), select=select, sandbox="none", watch=watch
        )

    return answer


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A copy of the toy's suite that a test may change."""
    return Path(shutil.copytree(TOY / "assignment", tmp_path / "suite"))


def by_problem(found: TreeAnswers) -> dict[str, tuple[CaseAnswer, ...]]:
    """The cases by the problem's name."""
    return {answer.problem.name: answer.cases for answer in found.problems}


def errors(found: TreeAnswers, problem: str) -> list[str]:
    """A problem's errors."""
    return [case.error for case in by_problem(found)[problem]]


# -- values ------------------------------------------------------------------------------------------------------


def test_a_single_value_is_posted_bare(answers: Any) -> None:
    """An answer of one name is its value; cases have their place and title, and the tree its hash."""
    found = answers("good")
    add = by_problem(found)["add"]
    assert [(case.index, case.title, case.error) for case in add] == [(0, "short vectors", ""), (1, "long vectors", "")]
    assert [(type(case.value), case.value.shape) for case in add] == [(np.ndarray, (3,)), (np.ndarray, (50,))]
    assert (found.fault, len(found.identity)) == (None, 64)


def test_a_sum_is_a_number(answers: Any) -> None:
    """Whether a tree gives it with shape (), with shape (1,) or as a number: here as Python's float."""
    assert by_problem(answers("good", "total"))["total"][0].value == 3.5
    assert type(by_problem(answers("good", "total"))["total"][1].value) is float


def test_arrays_of_one_element_are_numbers(answers: Any, suite: Path) -> None:
    """Shape () and shape (1,) are the same answer."""
    (suite / "probes" / "vectors.py").write_text(
        "import numpy as np\n\ndef one(vec, device):\n"
        '    return {"a": np.ones(()), "b": [np.ones((1,)), np.arange(2)], "c": np.ones((0, 3)), "d": None}\n'
    )
    (suite / "test_submission.py").write_text(
        "from probes import vectors\n\ndef submit_add(submit, rng):\n"
        '    submit("short vectors", vectors.one)\n    submit("long vectors", vectors.one)\n'
    )
    value = by_problem(answers("good", "add", load_assignment(suite)))["add"][0].value
    assert (value["a"], type(value["a"]), value["b"][0]) == (1.0, float, 1.0)
    assert (value["b"][1].tolist(), value["c"].shape, value["d"]) == ([0, 1], (0, 3), None)


def test_what_is_not_finite_stays(answers: Any) -> None:
    """NaN is a tree's answer like any other: whoever posts it says what is wrong with it."""
    found = by_problem(answers("nan", "scale"))["scale"]
    assert [case.error for case in found] == [""] * 3
    assert any(np.isnan(np.asarray(case.value)).any() for case in found)


@pytest.mark.parametrize(
    "value",
    [1, 1.5, True, "text", None, [1, [2.5]], {"a": {"b": np.arange(3)}}, float("nan"), np.zeros((2, 0))],
    ids=repr,
)
def test_values_come_through_the_pipe_as_they_are(value: Any) -> None:
    """Every bit and every type."""
    assert repr(unframed(framed(value))) == repr(value)


def test_a_value_too_large_for_the_pipe_is_the_submissions(answers: Any) -> None:
    """A million numbers outside any array."""
    with pytest.raises(SubjectError, match="the answer is too large"):
        framed([0.1] * 200_000)


# -- what a tree may do ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "problem", "says"),
    [
        ("raises", "scale", "scale raised "),
        ("exits", "scale", "scale ended the process with exit status 0"),
        ("hoards", "scale", "scale ran out of memory (2048 MiB)"),
        ("forges_frames", "scale", "scale broke the grader's protocol"),
        ("crashes", "total", "total crashed with SIGSEGV"),
        ("loops", "scale", "scale was stopped after"),
    ],
)
def test_a_bad_op_costs_its_own_cases(answers: Any, tree: str, problem: str, says: str) -> None:
    """Each says what happened; the other problems have every answer."""
    found = answers(tree)
    assert found.fault is None
    assert all(error.startswith(says) for error in errors(found, problem)), errors(found, problem)
    others = [case for name, cases in by_problem(found).items() if name != problem for case in cases]
    assert [case.error for case in others] == [""] * len(others)


def test_a_probe_that_asks_others_is_not_named(answers: Any, suite: Path) -> None:
    """No student knows it; the case's title says what is asked. What raised, and where, stays."""
    (suite / "probes" / "several.py").write_text(
        "from probes import vectors\n\n"
        "def several(vec, device, calls):\n"
        "    return {name: vectors.scale(vec, device, *call) for name, call in calls}\n\n"
        "several.unnamed = True\n"
    )
    (suite / "test_submission.py").write_text(
        "from probes.several import several\nimport numpy as np\n\n"
        "def submit_scale(submit, rng):\n"
        "    for title in ('by 2.5', 'by a negative number', 'by zero'):\n"
        "        submit(title, several, [['twice', [rng.normal(4), 2.0]]])\n"
    )
    raised = errors(answers("raises", "scale", load_assignment(suite)), "scale")[0].splitlines()
    assert raised[0].startswith("raised IndexError: ")
    assert raised[-2:] == ["  vec/elementwise.py:9 in scale", "    return a[8] * factor"]
    stopped = errors(answers("loops", "scale", load_assignment(suite)), "scale")[0]
    assert re.fullmatch(r"stopped after .*: an endless loop, or far too slow", stopped)


def test_a_crash_in_one_case_costs_that_case(answers: Any, tmp_path: Path) -> None:
    """The cases before and after it are answered, by a worker that is started anew."""
    tree = lay_over("good", tmp_path / "partly")
    (tree / "vec" / "elementwise.py").write_text(
        "import os\n\ndef add(a, b):\n    return a + b\n\n"
        "def scale(a, factor):\n    if factor < 0:\n        os.abort()\n    return a * factor\n"
    )
    found = errors(answers("partly"), "scale")
    assert (found[0], found[2]) == ("", "")
    assert found[1].startswith("scale crashed with SIGABRT")


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ("does_not_compile", "src/native.cc does not compile:"),
        ("syntax_error", "importing the tree raised SyntaxError"),
        ("dies_on_import", "importing the tree "),
        ("not_a_tree", "not_a_tree "),
    ],
)
def test_a_tree_that_cannot_be_asked_has_one_fault(answers: Any, tree: str, says: str) -> None:
    """Said once of the tree; it stands at each case of every selected problem as well."""
    found = answers(tree, "add or total")
    assert found.fault is not None
    assert found.fault.startswith(says)
    assert list(by_problem(found)) == ["add", "total"]
    assert {case.error for case in by_problem(found)["total"]} == {found.fault}


# -- what is selected, and what is seen meanwhile ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("select", "problems"),
    [
        ("", ["add", "scale", "total"]),
        (" scale ", ["scale"]),
        ("multiply", ["scale"]),
        ("elementwise", ["add", "scale"]),
        ("not add", ["scale", "total"]),
        ("submit_total or add", ["add", "total"]),
    ],
    ids=["everything", "problem", "alias", "bucket", "not", "or"],
)
def test_k_selects_problems(answers: Any, select: str, problems: list[str]) -> None:
    """As pytest does, by name, alias and bucket; in the assignment's order."""
    assert list(by_problem(answers("good", select))) == problems


def test_problems_are_left_out_of_an_expression(toy: Assignment) -> None:
    """Exactly those; where a name is a part of another's, the expression stays as it is."""
    assert without(toy, "add or scale", ["add"]) == "(add or scale) and not submit_add"
    assert without(toy, "", ["add", "scale"]) == "not submit_add and not submit_scale"
    assert without(toy, "scale", []) == "scale"
    longer = replace(toy, problems=(toy.problems[0], replace(toy.problems[1], name="add_all")))
    assert without(longer, "", ["add"]) == ""
    assert without(longer, "", ["add_all"]) == "not submit_add_all"


def test_nothing_selected_names_the_problems(answers: Any) -> None:
    """So that a misspelt name is seen."""
    with pytest.raises(
        UsageError, match=r"-k has value 'ad_d', which selects no problem of toy; .*: add, scale, total\."
    ):
        answers("good", "ad_d")


@pytest.mark.parametrize("select", ["add(", "-x"])
def test_a_broken_expression_is_the_users(answers: Any, select: str) -> None:
    """In pytest's words."""
    with pytest.raises(UsageError, match="-k"):
        answers("good", select)


def test_a_tree_that_is_not_there_is_the_users(toy: Assignment, tmp_path: Path) -> None:
    """Named, with what was expected."""
    with pytest.raises(UsageError, match="nowhere is not there"):
        compute(toy, tmp_path / "nowhere", select="", sandbox="none", watch=lambda event: None)


def test_an_assignment_without_submission_cases_is_refused(toy: Assignment, tmp_path: Path) -> None:
    """Before anything is built."""
    with pytest.raises(UsageError, match="toy has no submission cases"):
        compute(replace(toy, submission_seed=None), tmp_path, select="", sandbox="none", watch=lambda event: None)


def test_progress_is_told_case_by_case(answers: Any) -> None:
    """Building, the selected problems, and every case with its error, but not its value."""
    seen: list[dict[str, Any]] = []
    answers("raises", "add or scale", watch=seen.append)
    assert seen[0] == {"event": "building"}
    assert seen[1] == {"event": "collected", "cases": [], "submissions": ["add", "scale"]}
    told = [(event["problem"], event["index"], event["title"], bool(event["error"])) for event in seen[2:]]
    assert told == [
        ("add", 0, "short vectors", False),
        ("add", 1, "long vectors", False),
        ("scale", 0, "by 2.5", True),
        ("scale", 1, "by a negative number", True),
        ("scale", 2, "by zero", True),
    ]
    assert not any("value" in event for event in seen)


# -- what must not happen ----------------------------------------------------------------------------------------

SUITES = {
    "another title": (
        '"by zero"',
        '"by nothing"',
        "submission case 2 of scale is 'by nothing'; assignment.toml has 'by z",
    ),
    "a case too many": (
        '    submit("one number"',
        '    submit("one number", vectors.total, rng.normal(2))\n    submit("one number"',
        "submission case 1 of total is 'one number'; assignment.toml has 'many numbers'",
    ),
    "a case too few": (
        '    submit("by zero", vectors.scale, rng.normal(4), factor=0.0)\n',
        "",
        "gave 2 cases; expected",
    ),
    "a bug": ("rng.normal(30)", "rng.normall(30)", "'FixedInputs' object has no attribute 'normall'"),
    "a probe called wrongly": ("rng.normal(30)", "rng.normal(30), 5", "the probe total was called wrongly"),
    "an unknown problem": ("submit_total", "submit_totals", "toy has no problem 'totals'"),
    "a suite that cannot be imported": ("import numpy", "import nunpy", "nunpy"),
}


@pytest.mark.parametrize(("old", "new", "says"), SUITES.values(), ids=list(SUITES))
def test_a_mistake_of_the_suite_is_ours(answers: Any, suite: Path, old: str, new: str, says: str) -> None:
    """It stops everything, and is never told to a student as an error of the tree."""
    file = suite / "test_submission.py"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(GraderError) as caught:
        answers("good", "", load_assignment(suite))
    assert says in str(caught.value)
