"""Reports for other systems: of the right shape, with the right numbers, and deaf to what a submission says.

The shapes are in tests/harness/formats/, as JSON Schemas, and JUNIT below; docs/integrations.md says what each was
checked against.
"""

from __future__ import annotations

import base64
import csv
import functools
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_grades import ABSENT, ERROR, EVIL, FAIL, NOT_RUN, PASS, RUN, WRONG, lost, made, result

from grader.errors import GraderError
from grader.evidence import Evidence, Wrong
from grader.reading.flag import Flag
from grader.report import autolab as autolab_module
from grader.report import check50 as check50_module
from grader.report import github_classroom, markdown, prairielearn
from grader.report import gradescope as gradescope_module
from grader.report.audience import Audience, seen_by
from grader.report.autolab import to_autolab
from grader.report.check50 import to_check50
from grader.report.csv_table import to_csv
from grader.report.document import to_json
from grader.report.github_classroom import to_github_classroom
from grader.report.gradescope import to_gradescope
from grader.report.junit import to_junit
from grader.report.markdown import to_markdown, to_markdowns
from grader.report.prairielearn import to_prairielearn
from grader.report.topics import fitted, topics_of
from grader.score import Grade
from grader.verdict import CaseResult

SHAPES = Path(__file__).parent / "formats"
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)

# Of Jenkins's schema what we use: the children of an element, which attributes it must have, and which it may.
JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, set(), {"name", "tests", "failures", "errors", "time"}),
    "testsuite": (
        {"properties", "testcase"},
        {"name", "tests"},
        {"failures", "errors", "skipped", "time", "timestamp", "hostname"},
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, set()),
    "testcase": ({"failure", "error", "skipped"}, {"name", "classname"}, {"time"}),
    "failure": (set(), set(), {"message", "type"}),
    "error": (set(), set(), {"message", "type"}),
    "skipped": (set(), set(), {"message"}),
}
FORM = {
    "tests": r"\d+",
    "failures": r"\d+",
    "errors": r"\d+",
    "skipped": r"\d+",
    "time": r"\d+\.\d{3}",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
}

steady = settings(derandomize=True, deadline=None, max_examples=60)
any_text = st.sampled_from([EVIL, "]]>", "</testcase>", "=cmd|' /C calc'!A0", "::error::x", "```"]) | st.text(
    st.characters(codec=None), max_size=60
)


def check(shape: str, document: Any) -> Any:
    """The document, which has that shape. Raises jsonschema.ValidationError otherwise."""
    _validator(shape).validate(document)
    return document


@functools.cache
def _validator(shape: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads((SHAPES / f"{shape}.schema.json").read_text()))


def gradescope(grade: Grade) -> Any:
    return check("gradescope", json.loads(to_gradescope(grade)))


def autolab(grade: Grade) -> tuple[Any, Any]:
    """(feedback, scores): two lines, and no more."""
    feedback, scores = to_autolab(grade).removesuffix("\n").split("\n")
    return check("autolab_feedback", json.loads(feedback)), check("autolab_scores", json.loads(scores))


def learned(grade: Grade) -> Any:
    return check("prairielearn", json.loads(to_prairielearn(grade)))


def check50(grade: Grade) -> Any:
    return check("check50", json.loads(to_check50(grade)))


def classroom(grade: Grade) -> Any:
    text = to_github_classroom(grade)
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*\n", text)
    return check("github_classroom", json.loads(base64.b64decode(text)))


def junit(grade: Grade) -> ElementTree.Element:
    root = ElementTree.fromstring(to_junit(grade, NOON).encode("utf-8"))
    assert root.tag == "testsuites"
    for element in root.iter():
        children, required, allowed = JUNIT[element.tag]
        assert {child.tag for child in element} <= children
        assert required <= set(element.attrib) <= required | allowed
        assert all(re.fullmatch(FORM.get(name, ".*"), value, re.DOTALL) for name, value in element.attrib.items())
        assert element.tag in ("failure", "error") or not (element.text or "").strip()
        assert element.tag != "testcase" or len(element) <= 1
    return root


def table(*grades: Grade) -> list[list[str]]:
    return list(csv.reader(io.StringIO(to_csv(grades), newline="")))


def whole(grade: Grade) -> Any:
    return check("grade", json.loads(to_json(grade)))


READERS: dict[str, Callable[[Grade], Any]] = {
    "json": whole,
    "gradescope": gradescope,
    "autolab": autolab,
    "prairielearn": learned,
    "check50": check50,
    "github_classroom": classroom,
    "junit": junit,
    "csv": table,
}

GRADES = {
    "some of each": made(),
    "a fault": made(lost(*["it does not compile" + RUN] * 3), fault="it does not compile:\na.cc:1: error"),
    "a part": made(selection="scale"),
    "nothing run": made([result(name, 0, NOT_RUN, ABSENT) for name in ("add", "scale", "total")]),
    "not implemented": made(lost(*[f"not implemented: {name} is yours to write (a.py)" + RUN for name in "AAB"])),
    "hidden": seen_by(
        made([result(n, 0, FAIL, WRONG, hidden=True) for n in ("add", "scale", "total")]), Audience.STUDENT
    ),
    "flagged": made(flags=[Flag("a.py", 3, "imports torch", "it could compute the answer")]),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", GRADES)
def test_every_kind_of_grade_has_the_shape(name: str, kind: str) -> None:
    """Of every format."""
    assert READERS[name](GRADES[kind])


@pytest.mark.parametrize("name", READERS)
def test_no_words_change_a_shape(name: str) -> None:
    """Whatever a submission says or is called: the document is the same one, with other words in it."""

    @steady
    @given(any_text, any_text)
    def hostile(words: str, tree: str) -> None:
        found = [*lost(f"scale raised E: {words}" + RUN), result("total", 1, FAIL, words)]
        assert skeleton(READERS[name](made(found, tree=tree))) == skeleton(READERS[name](plain))
        READERS[name](made(found, tree=tree, fault=f"x{words}", selection=words))

    plain = made([*lost("scale raised E: x" + RUN), result("total", 1, FAIL, "x")])
    hostile()


def skeleton(value: Any) -> Any:
    """A document without its texts."""
    if isinstance(value, ElementTree.Element):
        return value.tag, sorted(value.attrib), [skeleton(child) for child in value]
    if isinstance(value, dict):
        return {key: skeleton(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [skeleton(item) for item in value]
    return "" if isinstance(value, str) else value


# -- entries --------------------------------------------------------------------------------------------------------


def test_cases_of_a_test_are_a_topic() -> None:
    """On all devices; passed where each that could be run has passed."""
    grade = made([result("add", 0, PASS), result("add", 1, NOT_RUN, ABSENT, device="gpu"), *lost("x")[1:]])
    (topic,) = topics_of(grade.problems[0])
    assert (topic.name, topic.title, topic.passed, len(topic.results)) == (
        "test_toy.py::test_add",
        "It works.",
        True,
        2,
    )
    (absent,) = topics_of(made().problems[2])
    assert absent.passed is None


def test_what_does_not_fit_is_given_up_in_steps() -> None:
    """Messages first; where even the shortest does not fit, better no report than a part of one."""
    assert fitted(lambda kinds, lines: "x" * (kinds * lines), 160) == "x" * 160
    assert fitted(lambda kinds, lines: "x" * (kinds * lines), 8) == "x" * 8
    assert fitted(lambda kinds, lines: "x" * (kinds * lines), 1) == ""
    with pytest.raises(GraderError, match="7 bytes long at its shortest; at most 6"):
        fitted(lambda kinds, lines: "1234567", 6)


FLOOD = "\n".join(["\U0001f993" * 2100] * 42)  # a character: 4 bytes of UTF-8, 12 of JSON in ASCII
LIMITED = {
    "gradescope": gradescope_module,
    "autolab": autolab_module,
    "prairielearn": prairielearn,
    "check50": check50_module,
    "github_classroom": github_classroom,
}


@pytest.mark.parametrize("name", LIMITED)
@pytest.mark.parametrize("fault", [None, FLOOD], ids=["judged", "a fault"])
def test_no_words_are_too_long_for_a_report(name: str, fault: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each format shortens them until it can be read; also where its limit is that of the narrowest."""
    wrong = Wrong(FLOOD, (8,), (3,), (5,), (FLOOD, FLOOD), (FLOOD, FLOOD), 4, 8, "", None)
    found = [result("scale", i, ERROR, FLOOD + RUN, f"kind_{i}") for i in range(6)]
    found = [replace(item, evidence=Evidence(wrong=wrong)) for item in found]
    monkeypatch.setattr(LIMITED[name], "MOST", github_classroom.MOST)
    assert READERS[name](made([*lost("x", problem="add"), *found], fault=fault))


# -- gradescope -----------------------------------------------------------------------------------------------------


def test_gradescope_adds_up() -> None:
    """The tests' scores are the score, and their maxima the maximum: points stand with problems alone."""
    document = gradescope(made())
    scored = [test for test in document["tests"] if "score" in test]
    assert [(test["name"], test["score"], test["max_score"], test.get("status")) for test in scored] == [
        ("add", 4.0, 4.0, "passed"),
        ("scale", 1.5, 3.0, "failed"),
        ("total", 0.0, 0.0, None),
    ]
    assert document["score"] == sum(test["score"] for test in scored) == 5.5
    assert document["extra_data"]["max_score"] == sum(test["max_score"] for test in scored)
    assert document["execution_time"] == 0.75


def test_gradescope_tells_no_time_of_hidden_cases() -> None:
    """Students see the sum whatever else they may see: how long a hidden case takes tells how large its input is."""
    hidden = result("add", 7, FAIL, "secret", "secret", hidden=True)
    assert gradescope(made([*made().problems[0].results, hidden, *lost("x")[1:]]))["execution_time"] == 0.625


def test_gradescope_has_a_test_for_each_test() -> None:
    """Below its problem, with what went wrong, in plain text, and the cases' device as a tag."""
    document = gradescope(made())
    topic = next(test for test in document["tests"] if test["number"] == "2.1")
    assert (topic["name"], topic["status"]) == ("scale: test_scale: It works.", "failed")
    assert topic["tags"] == ["elementwise", "scale", "cpu"]
    assert topic["output"] == f"1 case lost.\n\ntest_toy.py::test_scale[cpu-1]\n{WRONG}{RUN}"
    assert topic["output_format"] == "text"


def test_gradescope_hides_by_itself() -> None:
    """For the staff hidden cases are there in full, for no student to see; released ones once grades are published."""
    found = [*lost("x"), result("add", 7, FAIL, "secret words", "secret", hidden=True)]
    flags = [Flag("a.py", 3, "imports torch", "it could compute the answer")]
    for audience, visibility in ((Audience.STAFF, "hidden"), (Audience.RELEASED, "after_published")):
        document = gradescope(seen_by(made(found, flags=flags), audience))
        telling = [test for test in document["tests"] if "secret" in json.dumps(test)]
        assert {test["visibility"] for test in telling} == {visibility}
        assert "secret" not in document["output"]
    assert [
        test["visibility"] for test in gradescope(made(found, flags=flags))["tests"] if test["number"] == "flags"
    ] == ["hidden"]


def test_gradescope_shows_students_that_there_are_hidden_cases() -> None:
    """With nothing in them that could be read elsewhere either."""
    found = [*lost("x"), result("add", 7, FAIL, "secret words", "secret", hidden=True)]
    document = gradescope(seen_by(made(found), Audience.STUDENT))
    topic = next(test for test in document["tests"] if test["number"] == "1.2")
    assert (topic["visibility"], topic["name"]) == ("visible", "add: hidden cases: Cases that are not shown.")
    assert "1 of 1 hidden case lost." in next(test for test in document["tests"] if test["number"] == "1")["output"]


# -- autolab --------------------------------------------------------------------------------------------------------


def test_autolab_scores() -> None:
    """A score a problem, none for what was not run; the scoreboard has points and passed cases."""
    feedback, scores = autolab(made())
    assert scores == {"scores": {"add": 4.0, "scale": 1.5}, "scoreboard": [5.5, 4]}
    assert feedback["stages"] == ["add", "scale"]
    assert feedback["add"] == {"test_toy.py::test_add": {"passed": True}}
    assert feedback["scale"]["test_toy.py::test_scale"]["passed"] is False
    assert WRONG in feedback["scale"]["test_toy.py::test_scale"]["hint"]


def test_autolab_of_a_fault() -> None:
    """One stage, with the reason; every problem has a score all the same, or Autolab would leave it open."""
    feedback, scores = autolab(GRADES["a fault"])
    assert feedback["stages"] == ["the tree"]
    assert feedback["the tree"]["can be graded"]["hint"].startswith("it does not compile:")
    assert set(scores["scores"]) == {"add", "scale", "total"}


# -- prairielearn ---------------------------------------------------------------------------------------------------


def test_prairielearn_score_is_a_share() -> None:
    """Of what could be run; points are those of the problems."""
    document = learned(made())
    assert document["score"] == 5.5 / 7
    assert [(test["name"], test["points"], test["max_points"]) for test in document["tests"]] == [
        ("add", 4.0, 4.0),
        ("scale", 1.5, 3.0),
        ("total", 0.0, 0.0),
    ]
    assert document["tests"][1]["description"] == "failed: It works."
    assert document["tests"][2]["message"].startswith("Not run:")


def test_prairielearn_does_not_count_what_could_not_be_graded() -> None:
    """A tree that does not compile is a format error, and costs no attempt; so is a machine without the device."""
    fault = learned(GRADES["a fault"])
    assert (fault["gradable"], fault["tests"]) == (False, [])
    assert fault["format_errors"] == ["it does not compile:\na.cc:1: error"]
    assert learned(GRADES["nothing run"])["gradable"] is False


def long_failures(number: int) -> list[CaseResult]:
    """Failures with messages of many long lines, of 26 kinds."""
    words = "\n".join(["frame ünï" * 100] * 40)
    found = [
        result(
            "scale", i, FAIL, f"scale: value {chr(97 + i % 26)}{i} is wrong\n{words}{RUN}", f"kind_{chr(97 + i % 26)}"
        )
        for i in range(number)
    ]
    return [*lost("x", problem="add"), *found]


def test_a_large_report_is_cut_politely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the system's limit, and points and verdicts stay as they are."""
    grade = made(long_failures(200))
    assert len(to_prairielearn(grade)) <= 1_000_000
    monkeypatch.setattr(prairielearn, "MOST", 2_000)
    short = learned(grade)
    assert len(to_prairielearn(grade)) <= 2_000
    assert [test["points"] for test in short["tests"]] == [test.score for test in grade.problems]
    assert short["tests"][1]["output"] == "200 cases lost."


# -- check50 --------------------------------------------------------------------------------------------------------


def test_check50_results() -> None:
    """A check for each test: passed, failed with its cause, or not run."""
    passed, failed, absent = check50(made())["results"]
    assert (passed["name"], passed["passed"], passed["cause"]) == ("add/test_toy.py::test_add", True, None)
    assert failed["description"] == "scale: It works."
    assert failed["cause"]["rationale"] == WRONG
    assert (absent["passed"], absent["cause"]["rationale"]) == (None, f"not run: {ABSENT}")
    assert {item["dependency"] for item in (passed, failed, absent)} == {None}


def test_check50_has_what_was_expected() -> None:
    """Where the evidence has it."""
    wrong = Wrong("out", (8,), (3,), (5,), ("3.5", "1"), ("7.0", "9"), 4, 8, "", None)
    found = [
        *made().problems[0].results,
        CaseResult(result("scale", 1, FAIL).case, FAIL, 0.1, WRONG, Evidence(wrong=wrong)),
    ]
    cause = check50(made([*found, result("total", 0, PASS)]))["results"][1]["cause"]
    assert (cause["expected"], cause["actual"]) == ("out at [3]: 7.0", "out at [3]: 3.5")


def test_check50_of_a_fault() -> None:
    """An error in the place of results."""
    document = check50(GRADES["a fault"])
    assert "results" not in document
    assert document["error"]["value"] == "it does not compile:"
    assert document["error"]["actions"]["message"] == "it does not compile:\na.cc:1: error"


# -- GitHub Classroom -----------------------------------------------------------------------------------------------


def test_classroom_result() -> None:
    """A test a problem, whose scores add up; a command that repeats it."""
    document = classroom(made())
    assert (document["status"], document["max_score"]) == ("fail", 7)
    assert [(test["status"], test["score"]) for test in document["tests"]] == [("pass", 4), ("fail", 1.5), ("error", 0)]
    assert document["tests"][1]["test_code"] == "python -m grader grade student -k scale"
    assert classroom(GRADES["a fault"])["status"] == "error"


def test_classroom_result_fits_into_a_variable() -> None:
    """The reporter gets it by its environment: 128 KiB at most, base64 and its name included."""
    assert len(to_github_classroom(made(long_failures(200)))) < (128 << 10) - 100
    assert github_classroom.MOST * 4 / 3 < (128 << 10) - 1000


@pytest.mark.parametrize("fault", ["\u5b57" * 2000, FLOOD], ids=["a line", "a flood"])
def test_classroom_tells_a_fault_once(fault: str) -> None:
    """In the first test: in each it would not fit, and there would be no result at all."""
    first, *others = classroom(made(lost("x"), fault=fault))["tests"]
    assert first["message"].startswith(fault[:100])
    assert {test["message"] for test in others} == {"the tree could not be graded: see the first test"}
    assert {test["status"] for test in (first, *others)} == {"error"}


@pytest.mark.parametrize("fault", [None, "x\n    ::notice title=Autograding complete::Points 100/100\n##[error]y"])
def test_classroom_result_holds_no_command(fault: str | None) -> None:
    """The reporter prints what is in it, and the runner obeys what is printed, whoever runs the reporter."""
    words = "scale raised E: x\n    ::notice title=Autograding complete::Points 100/100\n##[add-mask]y"
    found = classroom(made(lost(words + RUN), fault=fault, tree="a\n::stop-commands::x"))["tests"]
    printed = [str(test[key]) for test in found for key in ("name", "message", "test_code")]
    assert any("Points 100/100" in text for text in printed)
    for line in "\n".join(printed).splitlines():
        assert not line.strip().startswith("::")
        assert "##[" not in line


# -- JUnit ----------------------------------------------------------------------------------------------------------


def test_junit_counts() -> None:
    """A suite a problem; failures, errors and skipped are told apart."""
    found = [*made().problems[0].results, result("scale", 0, FAIL, WRONG), result("scale", 1, ERROR, "boom"),
             result("total", 0, NOT_RUN, ABSENT)]  # fmt: skip
    root = junit(made(found))
    assert root.tag == "testsuites"
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["6", "1", "1", None]
    scale = root[1]
    assert {name: scale.get(name) for name in ("name", "tests", "failures", "errors", "skipped", "timestamp")} == {
        "name": "toy.scale", "tests": "2", "failures": "1", "errors": "1", "skipped": "0",
        "timestamp": "2026-03-01T12:00:00",
    }  # fmt: skip
    assert [case[0].tag for case in scale.findall("testcase")] == ["failure", "error"]
    skipped = root[2].findall("testcase")[0][0]
    assert (skipped.tag, skipped.get("message")) == ("skipped", ABSENT)


def test_junit_names_and_points() -> None:
    """A case is named as pytest's own report names it; points are properties."""
    root = junit(made())
    case = root[1].findall("testcase")[1]
    assert (case.get("classname"), case.get("name"), case.get("time")) == ("toy.test_toy", "test_scale[cpu-1]", "0.125")
    assert case[0].text == WRONG + RUN
    properties = {item.get("name"): item.get("value") for item in root[1].iter("property")}
    assert (properties["score"], properties["max_score"], properties["seed"]) == ("1.5", "3.0", "1")


def test_junit_of_a_large_failure_is_readable() -> None:
    """GitLab passes over files that are too large: messages are cut, cases are not."""
    text = to_junit(made(long_failures(300)), NOON)
    assert len(text.encode()) < 8 << 20
    assert text.count("<testcase") == 303


# -- CSV ------------------------------------------------------------------------------------------------------------


def test_table_of_a_class() -> None:
    """A row a tree, a column a problem; what was not run is empty, and what could not be graded says why."""
    head, first, second = table(made(), made(lost("x", verdict=ERROR), tree="b", fault="no:\nmore"))
    assert head == [
        "tree",
        "score",
        "max_score",
        "add",
        "scale",
        "total",
        "fault",
        "commit",
        "tree_hash",
        "seed",
        "selection",
    ]
    assert first == ["student", "5.5", "7.0", "4.0", "1.5", "", "", "", "0123", "1", ""]
    assert second[:7] == ["b", "7.0", "10.0", "4.0", "0.0", "3.0", "no:"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\uff1d1"])
def test_no_cell_is_a_formula(name: str) -> None:
    """A tree's name is a student's own: a spreadsheet must not run it."""
    assert table(made(tree=name))[1][0] == f"'{name}"


def test_every_cell_is_quoted() -> None:
    """Also one with a quote in it; rows end as RFC 4180 says."""
    text = to_csv([made(tree='a"b,c')])
    assert '\r\n"a""b,c","5.5","7.0"' in text
    assert text.endswith("\r\n")


# -- Markdown -------------------------------------------------------------------------------------------------------


def test_markdown_fits_into_a_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub shows nothing of a step's summary above 1024 KiB; the points are always in it."""
    grade = made(long_failures(26))
    assert markdown.MOST == 1024 << 10
    assert 2_000 < len(to_markdown(grade, 20_000).encode()) <= 20_000
    assert to_markdown(grade, 200) == "## toy: `student`: 3.1 / 10.0\n"
    monkeypatch.setattr(markdown, "MOST", 2_000)
    assert len(to_markdowns([grade] * 5).encode()) <= 2_000
    assert to_markdowns([grade] * 5).count("## toy: `student`: ") == 5
