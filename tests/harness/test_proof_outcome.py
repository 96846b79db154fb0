"""What a run tells: a line an item on the terminal, and the page of all."""

from __future__ import annotations

import pytest
from proof.judge import Result
from proof.long_form import keep, load_rows
from proof.margins import largest
from proof.mutant_list import Mutated, Survivor
from proof.page import Run, page
from proof.page_mutants import mutation
from proof.terminal import bug_lines, right_lines
from proofs import bug_outcome, lost, right_outcome

from grader.evidence import Margin
from grader.verdict import Case, Verdict

RUN = Run("a machine, 2 cores", "abc1234", "5eed" * 16, 99, 600.0, 1000.0, 12345)
FAILED = Result("test_toy.py::test_add[cpu-3]", 5, Verdict.FAIL, "add: out is wrong\nmore", 0.1)


def test_a_caught_bug_is_one_line():
    """With the case, and what else it costs."""
    [line] = bug_lines(bug_outcome(lost=(lost("total", "it adds"),)))
    assert line.startswith("caught ")
    assert "add by one (1 of 2 run fail; 7 touched); also lost: total" in line


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (bug_outcome(by=("one", "", "two")), ["MISSED", "1 of 3 seeds", "not on 12", "give add a case"]),
        (bug_outcome(lost=(lost("scale", None),)), ["UNEXPECTED", "scale loses points", "through vec/elementwise.py"]),
        (bug_outcome(invalid="it does not compile: no"), ["invalid", "does not compile"]),
        (bug_outcome(fault="KeyError in a test"), ["FAULT", "KeyError in a test"]),
    ],
)  # fmt: skip
def test_what_is_wrong_says_what_to_do(outcome, words):
    """Nothing of these is good, and each is told in words."""
    text = "\n".join(bug_lines(outcome))
    assert not outcome.good
    assert all(word in text for word in words), text


def test_a_right_solution_is_told():
    """One line where it keeps its points; the cases that fail where it does not."""
    assert right_lines(right_outcome())[0].startswith("right       backwards, 1 seed, 9 cases")
    text = "\n".join(right_lines(right_outcome(lost=(FAILED,))))
    assert "LOSES" in text
    assert "test_add[cpu-3], seed 5" in text
    assert not right_outcome(runs=0).good


def test_margins_are_of_right_answers():
    """The largest error of the cases that pass, by problem; what is not finite says nothing."""
    cases = {
        name: Case(name, problem, "cpu", 1.0, "") for name, problem in (("a", "add"), ("b", "add"), ("c", "scale"))
    }
    results = [
        Result("a", 1, Verdict.PASS, "", 0.1, (Margin("out", 0.25), Margin("out", float("inf")))),
        Result("b", 1, Verdict.PASS, "", 0.1, (Margin("out", 0.5),)),
        Result("c", 1, Verdict.FAIL, "", 0.1, (Margin("out", 3.0),)),
    ]
    found = largest(results, cases, "cpu")
    assert {key: (item.error, item.where) for key, item in found.largest.items()} == {("add", "cpu"): (0.5, "b: out")}


def test_the_page_of_a_good_run():
    """Summary, bugs by area whatever the order in which they were done, right solutions, margins."""
    bugs = [bug_outcome("later", area="rnn", error=4.5), bug_outcome("first"), bug_outcome("second", error=None)]
    rights = [right_outcome("reference", runs=1237), right_outcome()]
    text = page(RUN, bugs, rights)
    assert text == page(RUN, bugs[::-1], rights[::-1])
    assert "| planted bugs caught | 3 of 3, on 2 seeds each |" in text
    assert "| points lost where nothing explains it | none |" in text
    assert text.index("### ops") < text.index("`first`") < text.index("### rnn") < text.index("`later`")
    assert "| add | cpu | 0.25 | `test_toy.py::test_add[cpu-8]` | 4.5 | `later` |" in text
    assert "What is wrong" not in text


def test_what_was_found_on_many_seeds_is_kept(tmp_path):
    """A solution at a time, each in the place of what was known of it; a run on few seeds changes nothing."""
    file = tmp_path / "long.json"
    keep(right_outcome(seeds=tuple(range(20)), lost=(FAILED,)), "abc1234", RUN.suite, 7, file)
    keep(right_outcome("reference", seeds=tuple(range(100))), "abc1234", RUN.suite, 7, file)
    keep(right_outcome(seeds=tuple(range(20))), "def5678", "another suite", 8, file)
    keep(right_outcome(seeds=(1, 2)), "fed8765", RUN.suite, 9, file)
    rows = load_rows(file)
    assert [(row.name, row.seeds, row.good, row.commit) for row in rows] == [
        ("reference", 100, True, "abc1234"),
        ("backwards", 20, True, "def5678"),
    ]
    text = page(RUN, [bug_outcome()], [right_outcome(), right_outcome("forwards")], rows)
    assert "| 1 of 2 on 20 seeds or more; the reference on 100 seeds, no failure |" in text
    assert "| `reference` | cpu | 9 | 100 | all pass | 0.25 |" in text
    assert "| def5678, `8`; the suite has changed since |" in text
    assert "| `forwards` |  |  |  | **not yet** |" in text


def test_the_page_of_a_bad_run():
    """What is wrong stands near the top, each in a line."""
    bugs = [bug_outcome("missed", by=("one", "")), bug_outcome("costs", lost=(lost("scale", None),))]
    text = page(RUN, bugs, [right_outcome(lost=(FAILED,))])
    assert "`missed` is missed in add on 1 seed" in text
    assert "`costs` costs points in scale" in text
    assert "`backwards` loses points: 1 cases fail" in text
    assert text.index("What is wrong") < text.index("## Planted bugs")


def test_bugs_that_are_caught_by_little_are_named():
    """With the case that caught them: a wider tolerance could lose them."""
    bugs = [bug_outcome("near", error=2.5), bug_outcome("far", error=40.0), bug_outcome("by_words", error=None)]
    text = page(RUN, bugs, [right_outcome()])
    assert "| `near` | add | cpu | 2.5 | `one` |" in text
    assert "| `far` | add | cpu" not in text
    assert "No bug was caught by an error of less than 3" in page(RUN, bugs[1:], [right_outcome()])


def test_the_mutants_are_counted():
    """Those that are right all the same, and holes; a file that has changed since its mutants were run is marked."""
    survivors = (Survivor("vec/a.py", "a | b", "a & b"), Survivor("vec/a.py", "1", "2", "Unused."))
    text = mutation([Mutated("vec/a.py", 40, "5eed", survivors)], {"vec/a.py": "5eed"})
    assert "| vec/a.py | 40 | 38 | 1 | 1 |" in text
    assert "| vec/a.py | `a \\| b` | `a & b` | **a hole** |" in text
    assert "| vec/a.py (changed since) |" in mutation([Mutated("vec/a.py", 40, "5eed", survivors)], {})
