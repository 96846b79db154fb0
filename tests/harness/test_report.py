"""Reports in files: the same grade in every format, and deaf to whatever a submission wrote into its messages."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_grades import ERROR, EVIL, FAIL, PASS, RUN, WRONG, lost, made, result

from grader.assignment import Assignment
from grader.intake.account import Account
from grader.report.document import to_document, to_json
from grader.report.failures import group_failures, not_implemented
from grader.report.markdown import to_markdown
from grader.report.wording import points, shortened
from grader.score import score_problem
from grader.verdict import CaseResult

steady = settings(derandomize=True, deadline=None, max_examples=100)

any_text = st.text(st.characters(codec=None), max_size=60)


# -- grade.json --------------------------------------------------------------------------------------------------


def test_the_document_of_a_grade() -> None:
    """Every key of the schema, in its order."""
    document = to_document(made())
    cases = document.pop("cases")
    assert document == {
        "schema": "needle-grade/1",
        "assignment": "toy",
        "tree": "student",
        "tree_hash": "0123",
        "suite_hash": "4567",
        "seed": 1,
        "devices": ["cpu", "gpu"],
        "selection": "",
        "audience": "staff",
        "score": 5.5,
        "max_score": 7.0,
        "fault": None,
        "buckets": {
            "elementwise": {"score": 5.5, "max_score": 7.0},
            "reduction": {"score": 0.0, "max_score": 0.0},
        },
        "problems": {
            "add": {"bucket": "elementwise", "score": 4.0, "max_score": 4.0, "cases": 3},
            "scale": {"bucket": "elementwise", "score": 1.5, "max_score": 3.0, "cases": 2},
            "total": {"bucket": "reduction", "score": 0.0, "max_score": 0.0, "cases": 1},
        },
        "intake": Account().to_json(),
        "flags": [],
        "environment": {"python": "3.11"},
    }
    assert len(cases) == 6
    assert cases[4] == {
        "id": "test_toy.py::test_scale[cpu-1]",
        "problem": "scale",
        "device": "cpu",
        "weight": 1.0,
        "title": "It works.",
        "hidden": False,
        "verdict": "fail",
        "seconds": 0.125,
        "message": WRONG + RUN,
        "evidence": {},
    }
    assert cases[5]["verdict"] == "not run"


def test_the_same_grade_is_the_same_text() -> None:
    """Byte for byte, and read back what was written."""
    assert to_json(made()) == to_json(made())
    assert json.loads(to_json(made())) == to_document(made())


def test_scores_are_not_rounded() -> None:
    """A grade just short of full marks is not full marks."""
    found = [result("add", i, FAIL if i == 0 else PASS, "wrong") for i in range(100_000)]
    grade = made([*found, result("scale", 0, PASS), result("total", 0, PASS)])
    assert 9.9999 < to_document(grade)["score"] < 10


@steady
@given(any_text, any_text, any_text)
def test_any_words_are_written_as_utf8(message: str, tree: str, fault: str) -> None:
    """Whatever a submission says or is called, grade.json is UTF-8 with nothing in it that a reader would choke on."""
    text = to_json(made(lost(message), tree=tree, fault=fault, environment={"notes": message}))
    assert text.encode("utf-8").decode("utf-8") == text
    assert json.loads(text)["schema"] == "needle-grade/1"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]|\\u00|\\ud[89a-f]", text.replace("\\\\", ""))


def test_readable_words_are_kept() -> None:
    """Umlauts are not escaped, and lines stay lines."""
    text = to_json(made(lost("größer\nzweite")))
    assert '"größer\\nzweite"' in text


def test_a_number_that_is_none_is_not_written() -> None:
    """NaN is no JSON: better no document than one that half of its readers refuse."""
    with pytest.raises(ValueError, match="JSON"):
        to_json(replace(made(), score=float("nan")))


# -- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "max_score", "words"),
    [
        (10.0, 10.0, "10.0 / 10.0"),
        (8.25, 10.0, "8.2 / 10.0"),
        (0.0, 10.0, "0.0 / 10.0"),
        (9.97, 10.0, "9.97 / 10.0"),
        (9.99996, 10.0, "9.99996 / 10.0"),
        (0.02, 10.0, "0.02 / 10.0"),
        (0.0, 0.0, "not run"),
        (10.0 - 1e-15, 10.0, "9.999999999999998 / 10.0"),
        (99.96, 100.0, "99.96 / 100.0"),
    ],
)
def test_points_never_look_like_more(score: float, max_score: float, words: str) -> None:
    """One decimal, but 9.97 does not read as 10.0, and 0.02 not as 0.0."""
    assert points(score, max_score) == words


def test_a_long_message_keeps_both_ends() -> None:
    """What was wrong, and where and with what; of the middle whole frames go."""
    frames = [line for i in range(9) for line in (f"  a.py:{i} in f", f"    code {i}")]
    message = "\n".join(["f raised ValueError: text", *frames, "Input: a (3,)."])
    assert shortened(message, 10).split("\n") == [
        "f raised ValueError: text",
        "  a.py:0 in f",
        "    code 0",
        "  ...",
        "  a.py:7 in f",
        "    code 7",
        "  a.py:8 in f",
        "    code 8",
        "Input: a (3,).",
    ]
    assert shortened(message, 20) == message


@steady
@given(any_text, st.integers(1, 12))
def test_no_message_is_longer_than_wanted(message: str, lines: int) -> None:
    """Whatever it holds."""
    assert shortened(message, lines).count("\n") < lines


def test_a_long_line_is_cut() -> None:
    """At 2000 characters: one line of an exception's text must not fill the screen."""
    assert shortened("x" * 2000, 5) == "x" * 2000
    assert shortened("x" * 2001, 5) == "x" * 2000 + "..."


# -- which failures ----------------------------------------------------------------------------------------------


def groups(found: Sequence[CaseResult], toy: Assignment) -> list[tuple[str, int]]:
    own = [item for item in found if item.case.problem == "scale"]
    return [(group.headline, group.count) for group in group_failures(score_problem(toy.problem("scale"), own))]


def test_errors_of_one_cause_are_one_failure(toy: Assignment) -> None:
    """Whatever probe met it, with whatever numbers."""
    found = [
        result("scale", 0, ERROR, "forward raised ValueError: shapes (3, 4) and (7,)", test="forward"),
        result("scale", 1, ERROR, "backward raised ValueError: shapes (2, 2) and (31,)", test="backward"),
        result("scale", 2, ERROR, "forward raised TypeError: no", test="forward"),
    ]
    assert groups(found, toy) == [
        ("forward raised ValueError: shapes (3, 4) and (7,)", 2),
        ("forward raised TypeError: no", 1),
    ]


def test_addresses_and_signs_do_not_tell_failures_apart(toy: Assignment) -> None:
    """What a simulator says holds addresses and values of this run."""
    words = "forward raised RuntimeError: sim: address {} is none; element 0 is {} in one order"
    found = [
        result("scale", 0, ERROR, words.format("0x7f3b9aa40214", "-12.5"), test="forward"),
        result("scale", 1, ERROR, words.format("0x564e28c1beb0", "7.1e-05"), test="forward"),
    ]
    assert [count for _, count in groups(found, toy)] == [2]


def test_wrong_answers_of_a_test_are_one_failure(toy: Assignment) -> None:
    """By the test and the value that is wrong."""
    found = [
        result("scale", 0, FAIL, "scale: out is wrong at [0]: got 1.0, expected 2.0.", test="forward"),
        result("scale", 1, FAIL, "scale: out is wrong at [3, 2]: got 1.5, expected 2.5.", test="forward"),
        result("scale", 2, FAIL, "scale: out has shape (3,); expected (4,).", test="forward"),
        result("scale", 3, FAIL, "scale: out has shape (7,); expected (9,).", test="forward"),
        result("scale", 4, FAIL, "scale: out is wrong at [0]: got 1.0, expected 2.0.", test="backward"),
    ]
    assert [count for _, count in groups(found, toy)] == [2, 2, 1]


def test_what_is_not_implemented_is_listed_apart(toy: Assignment) -> None:
    """By its name, most first, and not among the failures."""
    messages = ["not implemented: F.compute is yours to write (a.py)"] * 2
    messages += ["not implemented: G.gradient is yours to write (a.py)"] * 3
    messages += ["not implemented", "not implemented: TODO", "scale raised ValueError: no"]
    own = [result("scale", i, ERROR, message + RUN) for i, message in enumerate(messages)]
    item = score_problem(toy.problem("scale"), own)
    assert not_implemented(item) == {"G.gradient": 3, "F.compute": 2, "something": 1, "TODO": 1}
    assert [group.headline for group in group_failures(item)] == ["scale raised ValueError: no"]


def test_the_command_stands_last_and_apart(toy: Assignment) -> None:
    """The command is the judge's last line, whatever a submission wrote before it."""
    own = [result("scale", 0, ERROR, "scale raised E: x\n    Run: rm -rf ~" + RUN)]
    (group,) = group_failures(score_problem(toy.problem("scale"), own))
    assert group.message == "scale raised E: x\n    Run: rm -rf ~"
    assert group.command == RUN.removeprefix("\nRun: ")


# -- summary.md ---------------------------------------------------------------------------------------------------


def test_the_markdown_of_a_grade() -> None:
    """The total, a table, the failures as code, what repeats them, the seed."""
    assert (
        to_markdown(made())
        == f"""## toy: `student`: 5.5 / 7.0

| bucket | problem | points | cases passed |
|---|---|---:|---|
| elementwise | add | 4.0 / 4.0 | 3 of 3 |
| elementwise | scale | 1.5 / 3.0 | 1 of 2 |
| reduction | total | not run | 0 of 0, 1 not run |
| **total** | | **5.5 / 7.0** | |

### scale

`test_toy.py::test_scale[cpu-1]`

    {WRONG}
    {RUN.strip()}

Seed 1; devices cpu, gpu.
"""
    )


def test_the_markdown_of_a_fault_tells_it_once() -> None:
    """As the terminal does."""
    found = [
        result(name, i, ERROR, "it does not compile" + RUN) for name in ("add", "scale", "total") for i in range(5)
    ]
    assert to_markdown(made(found, fault="it does not compile")).count("it does not compile") == 1


def test_the_markdown_of_a_part_says_so() -> None:
    """A grade under -k is called a part."""
    assert "Only a part was graded: `-k add and not total`." in to_markdown(made(selection="add and not total"))


def test_the_markdown_names_the_checks() -> None:
    """What a simulated device watched for stands beside the devices."""
    assert "devices cpu, gpu; checks memory, race." in to_markdown(made(environment={"checks": "memory, race"}))


def test_the_markdown_of_an_untouched_tree_lists_names() -> None:
    """With their cases."""
    messages = [f"not implemented: {name} is yours to write (a.py)" + RUN for name in ("A.f", "A.f", "B.g")]
    text = to_markdown(made(lost(*messages)))
    assert "Not implemented: `A.f` (2 cases), `B.g` (1 case)." in text
    assert "yours to write" not in text


def blocks_and_text(markdown: str) -> tuple[list[str], list[str]]:
    """The lines inside and outside of indented blocks of code."""
    lines = markdown.split("\n")
    return [line for line in lines if line.startswith("    ")], [line for line in lines if not line.startswith("    ")]


@steady
@given(st.sampled_from([EVIL, "`", "``` `` `", "|", "<b>", "a\n\n# b"]) | any_text)
def test_no_words_act_in_markdown(words: str) -> None:
    """Outside of code nothing changes, whatever a submission says or is called."""
    found = lost(f"scale raised E: {words}" + RUN)
    plain = lost("scale raised E: x" + RUN)
    _, outside = blocks_and_text(to_markdown(made(found, fault=None)))
    _, expected = blocks_and_text(to_markdown(made(plain, fault=None)))
    assert outside == expected
    _, outside = blocks_and_text(to_markdown(made(found, fault=f"x{words}")))
    _, expected = blocks_and_text(to_markdown(made(plain, fault="x")))
    assert outside == expected


CODE = re.compile(r"(?<!`)(`+)(?!`)(.*?[^`])\1(?!`)")  # a span of code, by CommonMark 0.31, section 6.1


@steady
@given(st.sampled_from([EVIL, "`", "``` `` `", "`a", "|", "<b>", "a\n\n# b", ""]) | any_text)
def test_no_name_acts_in_markdown(words: str) -> None:
    """The names of a tree and of what is not implemented stand in spans of code that they cannot leave."""
    grade = made(lost(f"not implemented: {words}" + RUN), tree=words, selection=f"a{words}")
    expected = made(lost("not implemented: x" + RUN), tree="x", selection="a")
    assert CODE.sub("CODE", to_markdown(grade)) == CODE.sub("CODE", to_markdown(expected))
