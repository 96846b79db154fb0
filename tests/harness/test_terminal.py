"""The report on a terminal: what a student sees first, in how little room, and nothing that acts on the terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from toy_grades import ABSENT, ERROR, EVIL, RUN, lost, made, result

from grader.assignment import Assignment
from grader.report.terminal import print_grade, print_summary
from grader.score import Grade, score

steady = settings(derandomize=True, deadline=None, max_examples=100)

any_text = st.text(st.characters(codec=None), max_size=60)


def shown(*grades: Grade, width: int = 80, **options: Any) -> str:
    """What a terminal, or by default a file, gets."""
    file = io.StringIO()
    console = Console(file=file, width=width, **options)
    for grade in grades:
        print_grade(console, grade)
    print_summary(console, grades)
    return file.getvalue()


def test_what_a_student_sees() -> None:
    """The table, the failure in plain words, the command, the buckets, what was not run."""
    text = "\n".join(line.rstrip() for line in shown(made()).splitlines())
    assert (
        text
        == f"""
student  5.5 / 7.0 {"─" * 61}
problem      points   cases passed
add       4.0 / 4.0         3 of 3
scale     1.5 / 3.0         1 of 2
total       not run         0 of 0   1 not run

scale: 1 of 2 cases lost
  test_toy.py::test_scale[cpu-1]
    add: out is wrong at [3]: got 3.5, expected 7.0; 4 of 8 values differ.
      Input: a (8,), b (8,).

To see the first with its inputs: {RUN.removeprefix(chr(10) + "Run: ")}

bucket               student
elementwise        5.5 / 7.0
reduction            not run
total              5.5 / 7.0
1 case on gpu not run: no NVIDIA GPU: nvidia-smi is not there, so no driver is
installed"""
    )


@pytest.mark.parametrize(
    "options",
    [{}, {"force_terminal": True, "no_color": True}, {"force_terminal": True, "color_system": None}],
    ids=["a-file", "NO_COLOR", "no-color-system"],
)
def test_no_escape_codes_where_they_are_not_wanted(options: dict[str, Any]) -> None:
    """Neither colours nor bold in a file or with NO_COLOR; and the same words."""
    assert "\x1b" not in shown(made(), **options)
    assert shown(made(), **options) == shown(made())


def test_the_environment_says_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR itself, as https://no-color.org has it."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b" not in shown(made(), force_terminal=True)


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests above can fail."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" in shown(made(), force_terminal=True)


@pytest.mark.parametrize("width", [40, 80, 120, 300])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    """But the command, which is to be copied whole."""
    found = lost("scale raised ValueError: " + "word " * 50 + RUN, "x" * 500 + RUN, "not implemented: " + "y" * 70)
    for line in shown(made(found, tree="a" * 50), width=width).splitlines():
        assert len(line) <= width or line.startswith("To see the first")


def test_no_line_ends_in_blanks_but_a_tables() -> None:
    """Messages are not filled up to the edge of the screen, so that a selection can be copied."""
    text = shown(made(lost("scale raised ValueError: no\n  a.py:3 in f\n    f(x)\nInput: a (3,)." + RUN)))
    assert "      a.py:3 in f\n        f(x)\n    Input: a (3,).\n" in text


def test_few_failing_problems_are_told_in_full() -> None:
    """Three failures of one failing problem, and how many more kinds there are."""
    text = shown(made(lost(*(f"scale raised Error{letter}: no" for letter in "ABCDE"))))
    assert [letter for letter in "ABCDE" if f"Error{letter}" in text] == ["A", "B", "C"]
    assert "... 2 more kinds of failure: see summary.md" in text


def test_many_failing_problems_are_told_in_brief(toy: Assignment) -> None:
    """Of ten failing problems one failure each: a screen or two, not ten."""
    problems = tuple(replace(toy.problems[0], name=f"p{i}") for i in range(10))
    found = [
        result(problem.name, i, ERROR, f"{problem.name} raised Error{problem.name}{letter}: no" + RUN)
        for problem in problems
        for i, letter in enumerate("ABCDE")
    ]
    grade = score(
        replace(toy, problems=problems),
        found,
        tree="student",
        tree_hash="",
        suite_hash="",
        seed=1,
        devices=["cpu"],
        selection="",
        fault=None,
        environment={},
    )
    text = shown(grade)
    assert text.count(" raised Error") == 10
    assert text.count("\n") < 75


def test_a_cause_is_told_once() -> None:
    """What went wrong in an earlier problem already takes one line in the next."""
    words = "raised AttributeError: no 'missing'\n  a.py:3 in exp\n    self.missing\nInput: a (3,)."
    found = [result(name, i, ERROR, f"{name} {words}" + RUN) for name in ("add", "scale", "total") for i in range(4)]
    text = shown(made(found))
    assert text.count("a.py:3 in exp") == 1
    assert text.count("as above: ") == 2
    assert "test_toy.py::test_scale[cpu-0]  and 3 more like it" in text


def test_an_untouched_tree_is_a_short_list() -> None:
    """Names and numbers of cases, eight at most; no traceback, no command."""
    names = [f"Op{i}.compute" for i in range(12)]
    messages = [f"not implemented: {name} is yours to write (a.py)" + RUN for name in names]
    text = shown(made(lost(*messages)), width=120)
    assert "scale: 12 of 12 cases lost\n  not implemented: Op0.compute (1), Op1.compute (1), " in text
    assert ", and 4 more" in text
    assert "Run" not in text
    assert "To see" not in text


def test_a_trees_fault_is_told_once() -> None:
    """And nothing else of it: neither table nor cases."""
    fault = "src/native.cc does not compile:\nsrc/native.cc:3:1: error: expected ';'"
    found = [result(name, i, ERROR, fault + RUN) for name in ("add", "scale", "total") for i in range(5)]
    text = shown(made(found, fault=fault))
    assert text.count("does not compile") == 1
    assert text.count("expected ';'") == 1
    assert "cases passed" not in text
    assert "total             0.0 / 10.0" in text


def test_trees_stand_side_by_side() -> None:
    """A column a tree, a row a bucket."""
    rows = shown(made(tree="one"), made(tree="two"), made(tree="three")).splitlines()
    header = next(row for row in rows if row.startswith("bucket"))
    assert header.split() == ["bucket", "one", "two", "three"]
    assert "elementwise        5.5 / 7.0        5.5 / 7.0        5.5 / 7.0" in [row.rstrip() for row in rows]


def test_many_trees_do_not_squeeze_each_other() -> None:
    """Every tree has its whole total, in as many tables as it takes."""
    rows = shown(*(made(tree=f"tree{i}") for i in range(20))).splitlines()
    totals = [row for row in rows if row.startswith("total  ") and " / " in row]
    assert sum(row.count("5.5 / 7.0") for row in totals) == 20
    headers = " ".join(row for row in rows if row.startswith("bucket"))
    assert [name for name in headers.split() if name != "bucket"] == [f"tree{i}" for i in range(20)]


def test_absences_are_told_once() -> None:
    """One line for all cases of all trees that lack a device."""
    text = shown(made(tree="one"), made(tree="two"), width=120)
    assert text.count(f"1 case on gpu not run: {ABSENT}") == 1


def test_a_part_is_called_a_part() -> None:
    """A grade under -k says so."""
    grade = made(selection="add and not total")
    assert "Only a part was graded: -k add and not total" in shown(grade)


# -- a submission's own words ------------------------------------------------------------------------------------


@steady
@given(st.sampled_from([EVIL, "[red]", "[/]", "[", "\\", "\x1b[0m"]) | any_text, st.booleans())
def test_no_words_act_on_a_terminal(words: str, as_fault: bool) -> None:
    """Messages, faults and names of trees are shown: no escape code, no markup, no exception."""
    found = lost(f"scale raised E: {words}" + RUN, f"not implemented: {words}" + RUN)
    text = shown(made(found, tree=words, fault=words if as_fault else None, selection=words))
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.encode("utf-8")


def test_markup_is_shown_as_it_is() -> None:
    """Brackets are words."""
    text = shown(made(lost("scale raised KeyError: [red]x[/red]" + RUN), tree="[bold]tree[/bold]"))
    assert "scale raised KeyError: [red]x[/red]" in text
    assert "\n[bold]tree[/bold]  7.0 / 10.0 ─" in text
