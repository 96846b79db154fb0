"""A failing case's message: a headline, then all that helps, a line each, and the command last."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from grader.assignment import load_assignment
from grader.compare import assert_close, assert_same
from grader.evidence import Lines
from grader.findings import Findings, gathered, note_call
from grader.hints.values import _FUNCTIONS
from grader.judging.message import SMALL, evidence_of, told, with_more
from grader.subject.outcome import IMPORTING, Answer, SubjectError, raised
from grader.subject.question import describe

TITLE, SECTION, COMMAND = "The sum of two vectors.", "hw0.ipynb > Part 1 > Sums", "python -m grader repro 'x' tree"


def add(vec: Any, device: Any, a: Any, b: Any, *, times: int = 1) -> Any:
    """The elements of a + b. What stands behind the first sentence is for us."""


def failed(got: Any, a: Any, b: Any) -> tuple[BaseException, Findings]:
    """What a case raises that asks for a + b and gets `got`, and what was found."""
    with gathered() as found:
        note_call(add, "cpu", (a, b), {})
        answer = Answer(describe(add, (a, b), {}), {"out": np.asarray(got, np.float32)})
        with pytest.raises(AssertionError) as caught:
            assert_close(answer.out, a.astype(float) + b)
    return caught.value, found


def message(error: BaseException, found: Findings, section: str = SECTION) -> list[str]:
    """Its message, line by line."""
    return told(error, found, evidence_of(error, found, TITLE, section, COMMAND)).split("\n")


def test_a_wrong_answer_is_told_in_full() -> None:
    """Headline, worst place, what was asked, the input with its values where they are few, handout, command."""
    a, b = np.array([1.0, 2.0, 3.0], np.float32), np.array([0.5, 0.25, -8.0], np.float32)
    assert message(*failed([1.5, 2.0, 5.125], a, b)) == [
        "add: out is wrong at [1]: got 2.0, expected 2.25; 2 of 3 values differ.",
        "Worst: at [2], got 5.125, expected -5.0.",
        "Asked: The sum of two vectors.",
        "add: The elements of a + b.",
        "Input: a (3,), b (3,).",
        "  a = [1, 2, 3]",
        "  b = [0.5, 0.25, -8]",
        "Handout: hw0.ipynb > Part 1 > Sums",
        "Run: python -m grader repro 'x' tree",
    ]


def test_values_are_shown_only_where_they_are_few() -> None:
    """Of more than 32 numbers in all there are only the shapes; one wrong place is told once; no section, no line."""
    a = np.arange(17, dtype=np.float32)
    got = a + a
    got[3] = -1
    assert message(*failed(got, a, a), section="")[1:] == [
        "Asked: The sum of two vectors.",
        "add: The elements of a + b.",
        "Input: a (17,), b (17,).",
        "Run: python -m grader repro 'x' tree",
    ]


def test_the_evidence_has_the_parts() -> None:
    """What the message is made of, each by itself."""
    error, found = failed([1.0, 3.0], np.ones(2, np.float32), np.ones(2, np.float32))
    evidence = evidence_of(error, found, TITLE, SECTION, COMMAND)
    assert (evidence.asked, evidence.section, evidence.command) == (TITLE, SECTION, COMMAND)
    assert evidence.question == "add: a (2,), b (2,)"
    assert evidence.wrong is not None
    assert (evidence.wrong.name, evidence.wrong.first) == ("out", (0,))
    assert [margin.name for margin in evidence.margins] == ["out"]


def test_a_case_that_passed_has_its_margins_alone() -> None:
    """Nothing was lost, so nothing is to be explained."""
    with gathered() as found:
        assert_close(np.ones(1), [1.0])
    evidence = evidence_of(None, found, TITLE, SECTION, COMMAND)
    assert (evidence.asked, evidence.command, len(evidence.margins)) == ("", "", 1)


def test_what_knows_no_question_is_of_the_last_one() -> None:
    """A comparison of lists or a sentence of a test does not know what it came from; the case does."""
    with gathered() as found:
        note_call(add, "cpu", ([1], [2]), {"times": 2})
        with pytest.raises(AssertionError) as caught:
            assert_same([3], [4], "the list")
    assert message(caught.value, found)[:4] == [
        "the list is wrong: got [3], expected [4].",
        "Asked: The sum of two vectors.",
        "add: The elements of a + b.",
        "Input: a [1], b [2], times 2.",
    ]


def test_an_exception_has_the_same_frame() -> None:
    """First what was raised and the submission's own lines; then what was asked."""
    question = describe(add, (1, 2), {})
    body = {"type": "KeyError", "text": "'x'", "lines": [["vec/ops.py", 7, "add", "return x['x']"]]}
    assert message(raised(question, body, 100), Findings()) == [
        "add raised KeyError: 'x'",
        "  vec/ops.py:7 in add",
        "    return x['x']",
        "Asked: The sum of two vectors.",
        "Input: a 1, b 2.",
        "Handout: hw0.ipynb > Part 1 > Sums",
        "Run: python -m grader repro 'x' tree",
    ]


def test_a_tree_that_cannot_be_imported_says_the_same_in_every_case() -> None:
    """What was asked has nothing to do with it, and the reports tell it once."""
    body = {"type": "SyntaxError", "text": "no", "lines": []}
    assert message(raised(IMPORTING, body, 100), Findings()) == [
        "importing the tree raised SyntaxError: no",
        "Run: python -m grader repro 'x' tree",
    ]


def test_long_inputs_are_cut() -> None:
    """A question that holds files of a data set does not fill the screen."""
    error = SubjectError("add crashed", describe(add, ({f"key {k}": "x" * 90 for k in range(9)}, list(range(90))), {}))
    (line,) = [line for line in message(error, Findings()) if line.startswith("Input:")]
    assert len(line) < 420
    assert line.endswith(" ....")


def test_what_is_known_later_stands_before_the_handout() -> None:
    """Also where there is no handout, and whatever a submission has written into an exception's text."""
    error = SubjectError("add raised E: Handout: x\nRun: y")
    for section in (SECTION, ""):
        evidence = evidence_of(error, Findings(), TITLE, section, COMMAND)
        before = told(error, Findings(), evidence)
        after = with_more(before, evidence, "only where a is 1: ...", (Lines("vec/ops.py", 3, 9, "add"),)).split("\n")
        end = 1 + bool(section)
        assert after[: -3 - end] == before.split("\n")[:-end]
        assert after[-3 - end : -end] == [
            "Fails only where a is 1: ....",
            "Your code that ran:",
            "  vec/ops.py:3-9 add",
        ]
        assert after[-1] == f"Run: {COMMAND}"


# -- the handout ---------------------------------------------------------------------------------------------------


def headings() -> set[str]:
    """The notebook's headings, each below those that it stands under: "Part 4: RNN > The cell"."""
    found, above, in_code = set(), [""] * 7, False
    for line in (ROOT / "reference" / "hw4.md").read_text(encoding="utf-8").splitlines():
        in_code ^= line.startswith("```")
        if not in_code and (head := re.match(r"(#{2,6}) (.+)", line)):
            level = len(head[1])
            above[level:] = [head[2], *[""] * (6 - level)]
            found.add(" > ".join(filter(None, above[2 : level + 1])))
    return found


@pytest.mark.skipif(not (ROOT / "reference" / "hw4.md").exists(), reason="a release has no source of the notebook")
def test_every_section_is_a_heading_of_the_notebook() -> None:
    """What a message points to can be found by that name."""
    hw4 = load_assignment(ROOT / "tests" / "hw4")
    assert hw4.handout is not None
    named = {problem.section for problem in hw4.problems} | set(hw4.handout.sections.values())
    assert "" not in named
    assert named <= headings()


def test_every_pattern_of_a_section_fits_a_test() -> None:
    """A test that was renamed does not lose its section unnoticed; and the first pattern that fits counts."""
    suite = ROOT / "tests" / "hw4"
    functions = {name for file in suite.glob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())}
    hw4 = load_assignment(suite)
    assert hw4.handout is not None
    told: dict[str, str] = {}
    for function in functions:
        told[hw4.handout.place(hw4.problem("rnn"), function)] = function
    assert {f"hw4.ipynb > {section}" for section in hw4.handout.sections.values()} <= set(told)
    assert hw4.handout.place(hw4.problem("rnn"), "test_rnn_cell_initial").endswith("Your cell and your network")
    assert hw4.handout.place(hw4.problem("rnn"), "test_rnn_new") == "hw4.ipynb > Part 4: RNN"
    assert Path(hw4.handout.file).suffix == ".ipynb"


# -- docs/messages.md ----------------------------------------------------------------------------------------------


PAGE = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")


def test_the_documented_example_is_real() -> None:
    """docs/messages.md shows the message of the first case here, and the number up to which there are values."""
    a, b = np.array([1.0, 2.0, 3.0], np.float32), np.array([0.5, 0.25, -8.0], np.float32)
    assert "\n".join(message(*failed([1.5, 2.0, 5.125], a, b))) in PAGE
    assert f"Where the arrays of a question have {SMALL} numbers or fewer" in PAGE


def forward(needle: Any, device: Any, op: str, inputs: Any, layout: str = "compact", **attributes: Any) -> Any:
    """needle.ops.<op>(*inputs, **attributes)."""


def test_the_documented_exception_is_real() -> None:
    """docs/messages.md has an exception whole: with these lines and this input the message is that one."""
    block = next(part for part in re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL) if " raised " in part)
    head, *rest = block.split("\n")
    kind, text = head.removeprefix("forward raised ").split(": ", 1)
    places = re.findall(r"^  (\S+):(\d+) in (\w+)\n    (.*)$", block, re.MULTILINE)
    array = np.array([-0.78053, 0.10116, -0.30885, 0.12753, 2.5104, -1.2527, -1.5093], np.float32)
    asks = ("flip", [array]), {"layout": "compact", "axes": [0]}
    with gathered() as found:
        note_call(forward, "cpu", *asks)
    lines = [[file, int(number), name, code] for file, number, name, code in places]
    error = raised(describe(forward, *asks), {"type": kind, "text": text, "lines": lines}, 100)
    title = next(line.removeprefix("Asked: ") for line in rest if line.startswith("Asked: "))
    section, command = (line.partition(": ")[2] for line in rest[-2:])
    assert len(places) > 1
    assert told(error, found, evidence_of(error, found, title, section, command)) == block


def test_every_function_that_a_hint_may_name_is_documented() -> None:
    """docs/messages.md lists what may have been done to each value."""
    text = " ".join(PAGE.split())
    names = [words.replace("what was expected", "").strip().removesuffix(" of") for words, _ in _FUNCTIONS]
    assert [name for name in names if name not in text] == []


def test_students_read_one_example() -> None:
    """The README shows in short what the guide shows whole, and both have the lines that a message has."""
    guide, short = (
        next(re.finditer(r"```text\n(conv_backward: z_grad .*?)\n```", (ROOT / page).read_text("utf-8"), re.DOTALL))[1]
        for page in ("docs/student.md", "HANDOUT.md")
    )
    starts = [line.removesuffix("...") for line in short.split("\n")]
    assert [start for start in starts if not any(line.startswith(start) for line in guide.split("\n"))] == []
    for start in ("Worst: ", "Asked: ", "Input: ", "Your code that ran:", "Handout: ", "Run: python -m grader repro "):
        assert f"\n{start}" in guide
