"""The judge server over the toy: forks judge trees as a grade would."""

from __future__ import annotations

from dataclasses import replace

import pytest
from proof.bench import build_tree
from proof.judge import Judge

from grader.errors import GraderError
from grader.verdict import Verdict

RIGHT = {
    "vec/__init__.py": "from vec.elementwise import add, scale\n\ntotal = sum\n",
    "vec/elementwise.py": "def add(a, b):\n    return a + b\n\n\ndef scale(a, factor):\n    return a * factor\n",
}
WRONG = {**RIGHT, "vec/elementwise.py": RIGHT["vec/elementwise.py"].replace("a + b", "a - b")}


def test_trees_are_judged_one_after_the_other(toy, tmp_path):
    """The wrong tree loses its problem and nothing else, up to the first case where no more is asked for."""
    python_only = replace(toy, layout=replace(toy.layout, modules={}), devices=replace(toy.devices, needs={}))
    verdicts = {}
    with Judge(toy, ["cpu"]) as judge:
        cases = judge.cases()
        names = [case.id for case in cases]
        for name, files in (("right", RIGHT), ("wrong", WRONG)):
            with (
                build_tree(name, files, ["cpu"], python_only, tmp_path) as tree,
                judge.examine(tree, limits={"case_cpu_seconds": 1}) as examination,
            ):
                verdicts[name] = {result.case: result.verdict for result in examination.run(names, 7)}
                first = examination.run(names, 8, until_lost=True)
            assert examination.cpu_seconds > 0
    assert {case.problem for case in cases} == {"add", "scale", "total"}
    assert set(verdicts["right"].values()) == {Verdict.PASS}
    lost = {name for name, verdict in verdicts["wrong"].items() if verdict is Verdict.FAIL}
    assert lost == {case.id for case in cases if case.problem == "add"}
    assert [(result.lost, result.seed) for result in first] == [(True, 8)]


def test_a_suite_that_cannot_be_collected_is_our_fault(toy, tmp_path):
    """Whoever asks is told with the end of the judge's log, and does not wait for ever."""
    (tmp_path / "assignment.toml").write_text((toy.suite / "assignment.toml").read_text())
    (tmp_path / "test_broken.py").write_text("import nothing_of_that_name\n")
    with Judge(replace(toy, suite=tmp_path), ["cpu"]) as judge, pytest.raises(GraderError, match="nothing_of_that_na"):
        judge.cases()
