"""The grade as JUnit XML, which Jenkins, GitLab and most other CI systems read: a suite a problem, a test case a case.

There is no one standard. The elements and attributes here are those that Jenkins's junit plugin (its jenkins-junit.xsd)
and GitLab's reader both know; points stand in <properties>, which both pass over.
"""

from __future__ import annotations

from datetime import datetime, timezone
from xml.etree import ElementTree as Xml

from grader.report.failures import lost_of
from grader.report.wording import in_line, shortened
from grader.score import Grade, ProblemScore
from grader.verdict import CaseResult, Verdict

MOST = 8 << 20  # bytes; GitLab passes over files of 30 MB and more, Jenkins keeps all of it in memory
_TAGS = {Verdict.FAIL: "failure", Verdict.ERROR: "error", Verdict.NOT_RUN: "skipped"}


def to_junit(grade: Grade, now: datetime | None = None, host: str = "localhost") -> str:
    """The text of junit.xml. now: when it was graded, by default this moment; host: where, if that matters."""
    when = (now or datetime.now(timezone.utc)).replace(tzinfo=None, microsecond=0).isoformat()
    lost = sum(len(lost_of(item.results)) for item in grade.problems)
    # A message each as long as all of them fit: what is `visible` takes 6 bytes a character at most, as "&quot;".
    room = max(200, MOST // 8 // max(1, lost))
    counts = _counts(grade.assignment, [result for item in grade.problems for result in item.results])
    del counts["skipped"]  # Jenkins's schema has it for a suite alone
    root = Xml.Element("testsuites", counts)
    for item in grade.problems:
        root.append(_suite(grade, item, when, host, room))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _suite(grade: Grade, item: ProblemScore, when: str, host: str, room: int) -> Xml.Element:
    counts = _counts(f"{grade.assignment}.{item.problem.name}", item.results)
    suite = Xml.Element("testsuite", {**counts, "timestamp": when, "hostname": host})
    properties = Xml.SubElement(suite, "properties")
    for name, value in (
        ("tree", grade.tree),
        ("tree_hash", grade.tree_hash),
        ("seed", str(grade.seed)),
        ("devices", ", ".join(grade.devices)),
        ("bucket", item.problem.bucket),
        ("score", repr(item.score)),
        ("max_score", repr(item.max_score)),
    ):
        Xml.SubElement(properties, "property", {"name": name, "value": in_line(value)})
    for result in item.results:
        suite.append(_case(grade, item, result, room))
    return suite


def _case(grade: Grade, item: ProblemScore, result: CaseResult, room: int) -> Xml.Element:
    file, mark, name = result.case.id.partition("::")
    test = {
        "classname": f"{grade.assignment}.{file.removesuffix('.py') if mark else item.problem.name}",
        "name": in_line(name or file),
        "time": f"{result.seconds:.3f}",
    }
    case = Xml.Element("testcase", test)
    if result.verdict is Verdict.PASS:
        return case
    said = shortened(result.message, 60)
    headline = said.partition("\n")[0]
    found = Xml.SubElement(case, _TAGS[result.verdict], {"message": headline[:500]})
    if result.verdict is not Verdict.NOT_RUN:
        found.set("type", result.verdict.value)
        found.text = said if len(said) <= room else f"{said[:room]}..."
    return case


def _counts(name: str, results: list[CaseResult] | tuple[CaseResult, ...]) -> dict[str, str]:
    def number(verdict: Verdict) -> str:
        return str(sum(result.verdict is verdict for result in results))

    return {
        "name": name,
        "tests": str(len(results)),
        "failures": number(Verdict.FAIL),
        "errors": number(Verdict.ERROR),
        "skipped": number(Verdict.NOT_RUN),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }
