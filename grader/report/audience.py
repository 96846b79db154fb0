"""Who reads a report, and what of a grade that reader may see. The one place where anything is left out.

student    of hidden cases no more than their problem and verdict; nothing that is meant for the instructor
released   hidden cases in full, once an assignment is over; nothing that is meant for the instructor
staff      everything

Formats know nothing of this: they render whatever grade they are given.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from grader.errors import UsageError
from grader.evidence import Evidence
from grader.score import Grade, ProblemScore
from grader.suite import is_hidden
from grader.verdict import Case, CaseResult, Verdict

# What a student reads of a hidden case. The verdict stays, so it is said in words; nothing here depends on the case.
_SAID = {
    Verdict.PASS: "",
    Verdict.FAIL: "the answer to a hidden case is wrong",
    Verdict.ERROR: "there was no answer to a hidden case",
    Verdict.NOT_RUN: "a hidden case could not be run on this machine",
}

# Of pytest-json-report's document: what is about the run as a whole. Anything else, such as the texts of warnings, may
# quote a hidden test.
_WHOLE_RUN = ("created", "duration", "exitcode", "root", "environment", "summary")


class Audience(str, enum.Enum):
    """Who reads."""

    STUDENT = "student"
    STAFF = "staff"
    RELEASED = "released"

    @classmethod
    def named(cls, text: str) -> Audience:
        """The audience of that name. Raises UsageError, with the names that there are."""
        try:
            return cls(text)
        except ValueError:
            names = ", ".join(audience.value for audience in cls)
            raise UsageError(f"--audience has value {text!r}; expected one of: {names}.") from None

    @classmethod
    def usual(cls, *, course: bool) -> Audience:
        """Where nobody is named. course: whether this is the course's checkout, and no release or image of it."""
        return cls.STAFF if course else cls.STUDENT


def seen_by(grade: Grade, audience: Audience) -> Grade:
    """The grade as that audience may see it: the same points, verdicts and number of cases."""
    if audience is Audience.STAFF:
        return grade
    names = _neutral_names(grade) if audience is Audience.STUDENT else {}
    problems = [
        replace(item, results=tuple(_seen(result, names) for result in item.results)) for item in grade.problems
    ]
    return replace(grade, problems=tuple(problems), flags=(), audience=audience.value)


def report_seen_by(report: Mapping[str, Any], grade: Grade, audience: Audience) -> dict[str, Any]:
    """pytest-json-report's document of the grade's run, as that audience may see it.

    grade: in full, not as the audience sees it: it tells which of the document's tests are hidden.
    """
    if audience is not Audience.STUDENT:
        return dict(report)
    names = _neutral_names(grade)
    tests = [_seen_test(test, names) for test in report.get("tests", [])]
    # By the files' names and not by the grade: a selection may have left hidden cases out, and the whole suite was
    # collected all the same.
    collectors = [
        {**collector, "result": [node for node in collector["result"] if not _is_hidden(node["nodeid"])]}
        for collector in report.get("collectors", [])
        if not _is_hidden(collector["nodeid"])
    ]
    whole = {key: report[key] for key in _WHOLE_RUN if key in report}
    return {**whole, "collectors": collectors, "tests": [test for test in tests if test is not None]}


def is_nameless(case_id: str, *, hidden: bool) -> bool:
    """Whether the id is the neutral name of a hidden case, by which nobody can find or repeat it: it has no file."""
    return hidden and "::" not in case_id


def _neutral_names(grade: Grade) -> dict[str, str]:
    """A name for the id of each hidden case: "hidden case 3 of conv_backward", counted in the suite's order."""
    names = {}
    numbers: Counter[str] = Counter()
    for case in _hidden(grade.problems):
        numbers[case.problem] += 1
        names[case.id] = f"hidden case {numbers[case.problem]} of {case.problem}"
    return names


def _hidden(problems: Iterable[ProblemScore]) -> list[Case]:
    return [result.case for item in problems for result in item.results if result.case.hidden]


def _seen(result: CaseResult, names: Mapping[str, str]) -> CaseResult:
    """names: of the hidden cases, where those are not to be seen."""
    if result.case.id not in names:
        # How near a right answer came to its tolerance is for whoever sets the tolerances.
        return replace(result, evidence=replace(result.evidence, margins=()))
    # Built anew and not blanked field by field: a field that is added later must not be seen by default. Its time goes
    # as well: how long a case takes tells how large its input is.
    case = Case(names[result.case.id], result.case.problem, "", result.case.weight, "A hidden case.", hidden=True)
    return CaseResult(case, result.verdict, 0.0, _SAID[result.verdict], Evidence())


def _seen_test(test: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any] | None:
    """A test of the document; None for what is in a hidden file and no case."""
    if not _is_hidden(test["nodeid"]):
        return dict(test)
    name = names.get(f"{_file(test['nodeid'])}::{test['nodeid'].partition('::')[2]}")
    return None if name is None else {"nodeid": name, "outcome": test["outcome"]}


def _is_hidden(nodeid: str) -> bool:
    return is_hidden(_file(nodeid))


def _file(nodeid: str) -> str:
    """The name of a node's file, as ids of cases have it: "test_conv.py"."""
    return str(nodeid).partition("::")[0].rpartition("/")[2]
