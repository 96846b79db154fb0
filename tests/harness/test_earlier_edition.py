"""tests/submissions/earlier: a whole tree in the earlier edition's layout, as a student of that year handed it in.

It stands for every tree that `grader carry` takes over, so it has to be right by itself, and nobody's copy.
"""

from __future__ import annotations

from pathlib import Path

from conftest import ROOT

from grader.assignment import load_assignment
from grader.derive.leakage import leaks_in, read_solutions
from grader.derive.tree import read_tree
from grader.grading import grade_trees
from grader.run import RunOptions
from grader.verdict import Verdict

EARLIER = ROOT / "tests" / "submissions" / "earlier"


def test_the_earlier_editions_tree_has_every_point(tmp_path: Path) -> None:
    """One file for each part of needle, one source with its own module, other names: 100.0 of 100 all the same."""
    assignment = load_assignment(ROOT / "tests" / "hw4")
    options = RunOptions(22, ("cpu",), "", "worker", "none")
    (grade,) = grade_trees(assignment, [EARLIER], options, jobs=2, out=tmp_path / "out", watch=lambda tree, event: None)
    results = [result for item in grade.problems for result in item.results]
    assert [result.message for result in results if result.verdict is not Verdict.PASS] == []
    assert (grade.score, grade.max_score) == (100, 100)


def test_it_has_the_earlier_editions_layout() -> None:
    """The parts are single files, and none of this edition's packages is there."""
    files = set(read_tree(EARLIER))
    assert {f"python/needle/{part}.py" for part in ("ops", "nn", "init", "data", "optim", "autograd")} < files
    assert "apps/simple_training.py" in files
    assert "apps/simple_ml.py" not in files
    assert not any(
        path.startswith(f"python/needle/{part}/") for part in ("ops", "nn", "init", "data") for path in files
    )


def test_it_is_no_copy_of_the_reference() -> None:
    """As good as no run of lines is the reference's: what carries this tree over has met code it did not know."""
    solutions = read_solutions(ROOT / "reference")
    # Under other names: what has a name of the reference's own files is searched for single lines, `return total`.
    files = {f"earlier/{path}.txt": file.data for path, file in read_tree(EARLIER).items()}
    assert len(leaks_in(solutions, files)) <= 5
