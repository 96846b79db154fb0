"""Who sees what: of hidden cases a student reads that they exist and what became of them, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from rich.console import Console
from toy_grades import ERROR, FAIL, NOT_RUN, PASS, RUN, made, result

from grader.assignment import Assignment
from grader.errors import UsageError
from grader.evidence import Curve, Evidence, Lines, Margin, Wrong
from grader.judging.tree import TreeUnderTest
from grader.reading.flag import Flag
from grader.report import formats
from grader.report.audience import Audience, is_nameless, report_seen_by, seen_by
from grader.report.document import to_document
from grader.report.failures import group_failures
from grader.report.terminal import print_grade, print_summary
from grader.score import Grade
from grader.verdict import Case, CaseResult

# Everything that a hidden case says of itself has this word in it.
SECRET = "zebra"
TELLING = Evidence(
    asked=f"{SECRET} asked",
    question=f"{SECRET}: z (1, 4)",
    wrong=Wrong(SECRET, (4,), (1,), (2,), ("1", "2"), ("3", "4"), 1, 4, SECRET, None),
    own=(Lines(SECRET, 1, 2, SECRET),),
    section=SECRET,
    command=SECRET,
    margins=(Margin(SECRET, 0.5),),
    curves=(Curve(SECRET, (1.0,), (2.0,)),),
)


def secret(problem: str, number: int, verdict: Any, device: str = "cpu") -> CaseResult:
    """A hidden case, every text of which holds SECRET."""
    found = result(problem, number, verdict, f"{SECRET}: out is wrong{RUN}", f"{SECRET}_{problem}", device, hidden=True)
    return replace(found, case=replace(found.case, title=SECRET), seconds=7.25, evidence=TELLING)


@pytest.fixture
def grade() -> Grade:
    """Two problems with hidden cases, one of each verdict."""
    return made(
        [
            result("add", 0, PASS),
            secret("add", 0, PASS),
            secret("add", 1, FAIL),
            secret("add", 2, FAIL),
            result("scale", 0, FAIL, "scale: out is wrong at [0]: got 1, expected 2." + RUN),
            secret("scale", 0, ERROR),
            result("total", 0, PASS),
            secret("total", 0, NOT_RUN, device="gpu"),
        ],
        flags=[Flag("a.py", 3, "imports torch", "it could compute the answer")],
    )


def test_staff_see_all_there_is(grade: Grade) -> None:
    """Unchanged."""
    assert seen_by(grade, Audience.STAFF) is grade


def test_hidden_cases_are_numbered_in_their_problem(grade: Grade) -> None:
    """In the suite's order; their verdict, problem and weight stay, and nothing else does."""
    seen = seen_by(grade, Audience.STUDENT)
    hidden = [found for item in seen.problems for found in item.results if found.case.hidden]
    assert [(found.case.id, found.verdict) for found in hidden] == [
        ("hidden case 1 of add", PASS),
        ("hidden case 2 of add", FAIL),
        ("hidden case 3 of add", FAIL),
        ("hidden case 1 of scale", ERROR),
        ("hidden case 1 of total", NOT_RUN),
    ]
    assert {(found.case.title, found.case.device, found.seconds) for found in hidden} == {("A hidden case.", "", 0.0)}
    assert {found.evidence for found in hidden} == {Evidence()}
    assert {found.message for found in hidden if found.verdict is FAIL} == {"the answer to a hidden case is wrong"}


def test_a_case_is_nameless_where_it_is_hidden_and_has_no_file() -> None:
    """Staff see the real id of a hidden case; another suite's ids may be of any form."""
    assert is_nameless("hidden case 3 of scale", hidden=True)
    assert not is_nameless("test_hidden_scale.py::test_scale[3]", hidden=True)
    assert not is_nameless("case 3", hidden=False)


def test_points_do_not_depend_on_who_looks(grade: Grade) -> None:
    """Nor does the number of cases."""
    for audience in Audience:
        seen = seen_by(grade, audience)
        assert (seen.score, seen.max_score, seen.buckets) == (grade.score, grade.max_score, grade.buckets)
        assert [len(item.results) for item in seen.problems] == [4, 2, 2]
        assert seen.audience == audience.value


def test_other_cases_are_left_as_they_are(grade: Grade) -> None:
    """But for the margins, which are for whoever sets the tolerances."""
    told = CaseResult(Case("t.py::test_a", "add", "cpu", 1.0, "t"), FAIL, 0.5, "m", replace(TELLING, asked="a"))
    shown = replace(grade, problems=(replace(grade.problems[0], results=(told,)),))
    for audience in (Audience.STUDENT, Audience.RELEASED):
        (found,) = seen_by(shown, audience).problems[0].results
        assert found == replace(told, evidence=replace(told.evidence, margins=()))


def test_flags_are_for_the_staff(grade: Grade) -> None:
    """A suspicion is no verdict, and no student reads it in a report."""
    assert [len(seen_by(grade, audience).flags) for audience in Audience] == [0, 1, 0]


def test_released_are_hidden_cases_in_full(grade: Grade) -> None:
    """Their ids, messages and evidence."""
    seen = seen_by(grade, Audience.RELEASED)
    found = seen.problems[0].results[2]
    assert (found.case, found.message) == (grade.problems[0].results[2].case, grade.problems[0].results[2].message)
    assert found.evidence.wrong == TELLING.wrong


def test_a_new_field_of_a_case_is_not_seen_by_default() -> None:
    """Who adds a field has to say here whether students may see it in a hidden case."""
    assert [field.name for field in fields(Case)] == ["id", "problem", "device", "weight", "title", "hidden"]
    assert [field.name for field in fields(CaseResult)] == ["case", "verdict", "seconds", "message", "evidence"]


def test_hidden_failures_are_one_line(grade: Grade) -> None:
    """Not one for each number."""
    (failure,) = group_failures(seen_by(grade, Audience.STUDENT).problems[0])
    assert (failure.first.case.id, failure.count) == ("hidden case 2 of add", 2)


@pytest.mark.parametrize("name", formats.FORMATS)
def test_no_format_tells_a_student_more(name: str, grade: Grade) -> None:
    """Whichever it is: no word of a hidden case, and not the time that it took."""
    item = formats.FORMATS[name]
    seen = seen_by(grade, Audience.STUDENT)
    text = item.render(seen)
    assert SECRET not in text
    assert "imports torch" not in text
    assert "test_hidden" not in text
    assert "7.25" not in text


def test_the_terminal_tells_a_student_no_more(grade: Grade) -> None:
    """The progress lines have numbers alone; this is the rest."""
    console = Console(record=True, width=100, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    print_grade(console, seen_by(grade, Audience.STUDENT))
    print_summary(console, [seen_by(grade, Audience.STUDENT)])
    text = console.export_text()
    console.file.close()
    assert "hidden case 2 of add  and 1 more like it" in text
    assert SECRET not in text
    assert "gpu" not in text


def test_what_students_are_shown_by_a_system_is_never_for_staff(
    grade: Grade, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Autolab prints all that it gets to the student: `--audience staff` changes nothing there."""
    formats.write(planned(tmp_path, "autolab=-"), [grade], Audience.STAFF)
    assert SECRET not in capsys.readouterr().out
    formats.write(planned(tmp_path, "autolab=-"), [grade], Audience.RELEASED)
    assert SECRET in capsys.readouterr().out


def planned(out: Any, *texts: str) -> Sequence[formats.Target]:
    return formats.plan([formats.parse(text) for text in texts], ["student"], out, ())


def test_grade_json_says_who_may_read_it(grade: Grade) -> None:
    """So that nobody takes what is left out for all there is."""
    assert to_document(seen_by(grade, Audience.STUDENT))["audience"] == "student"
    assert to_document(grade)["audience"] == "staff"


def test_names_of_audiences() -> None:
    """An unknown one lists those that there are; where none is named, students see no more than they should."""
    with pytest.raises(UsageError, match=r"--audience has value 'ta'; expected one of: student, staff, released\."):
        Audience.named("ta")
    assert Audience.named("released") is Audience.RELEASED
    assert (Audience.usual(course=True), Audience.usual(course=False)) == (Audience.STAFF, Audience.STUDENT)


# -- report.json ----------------------------------------------------------------------------------------------------


def node(file: str, name: str) -> dict[str, Any]:
    return {"nodeid": f"tests/toy/{file}::{name}", "lineno": 3, "type": "Function"}


@pytest.fixture
def report() -> dict[str, Any]:
    """What pytest-json-report writes of the grade's first three cases."""
    cases = [
        ("test_toy.py", "test_add[cpu-0]"),
        *(("test_hidden_toy.py", f"test_{SECRET}_add[cpu-{i}]") for i in (0, 1)),
    ]
    helper = ("test_hidden_toy.py", f"test_{SECRET}_helper")  # no case of any problem
    return {
        "created": 1.0,
        "exitcode": 1,
        "summary": {"passed": 2, "failed": 1, "total": 3},
        "warnings": [{"message": SECRET}],
        "collectors": [
            {"nodeid": "", "result": [{"nodeid": "tests/toy/test_toy.py"}, {"nodeid": "tests/toy/test_hidden_toy.py"}]},
            {"nodeid": "tests/toy/test_toy.py", "result": [node(*cases[0])]},
            {"nodeid": "tests/toy/test_hidden_toy.py", "result": [node(*case) for case in cases[1:]]},
        ],
        "tests": [
            {**node(*case), "outcome": "passed", "keywords": [case[1]], "call": {"longrepr": case[1]}}
            for case in (*cases, helper)
        ],
    }


def test_pytests_report_for_a_student(report: dict[str, Any], grade: Grade) -> None:
    """Of a hidden case its neutral name and its outcome; of the rest everything."""
    seen = report_seen_by(report, grade, Audience.STUDENT)
    assert SECRET not in json.dumps(seen)
    assert "test_hidden" not in json.dumps(seen)
    assert seen["tests"] == [
        report["tests"][0],
        {"nodeid": "hidden case 1 of add", "outcome": "passed"},
        {"nodeid": "hidden case 2 of add", "outcome": "passed"},
    ]
    assert [collector["nodeid"] for collector in seen["collectors"]] == ["", "tests/toy/test_toy.py"]


def test_pytests_report_of_a_selection(report: dict[str, Any], grade: Grade) -> None:
    """Where -k left hidden cases out, or all of them, the suite was collected all the same: no word of that stays."""
    one_left_out = replace(grade, problems=(replace(grade.problems[0], results=grade.problems[0].results[:2]),))
    for part in (made(), one_left_out):
        seen = report_seen_by(report, part, Audience.STUDENT)
        assert SECRET not in json.dumps(seen)
        assert "test_hidden" not in json.dumps(seen)
        assert seen["tests"][0] == report["tests"][0]
        assert seen["summary"] == report["summary"]


def test_pytests_report_for_others(report: dict[str, Any], grade: Grade) -> None:
    """As it is."""
    assert report_seen_by(report, grade, Audience.STAFF) == report
    assert report_seen_by(report, grade, Audience.RELEASED) == report


# -- workers --------------------------------------------------------------------------------------------------------


def test_no_worker_serves_hidden_cases_and_others(toy: Assignment) -> None:
    """A submission could keep what a hidden case asked, and tell it in the exception of the next visible one."""
    tree = TreeUnderTest(_choice(toy))
    subject = mock.Mock()
    tree.tree = mock.Mock(fault=None)
    with mock.patch.object(TreeUnderTest, "_open_subject", return_value=subject):
        for file, renewed in (
            ("test_toy.py", 0),
            ("test_toy.py", 0),
            ("test_hidden_toy.py", 1),
            ("test_hidden_more.py", 1),
            ("test_toy.py", 2),
        ):
            assert tree.subject_for(_item(file)) is subject
            assert subject.renew.call_count == renewed


def _choice(assignment: Assignment) -> Any:
    return mock.Mock(in_process=False, assignment_of=lambda _: assignment, config=mock.Mock(getoption=lambda _: False))


def _item(file: str) -> Any:
    marker = mock.Mock(args=["add"])
    return SimpleNamespace(path=Path(file), get_closest_marker=lambda _: marker)
