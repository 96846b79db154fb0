"""What training measured beside the reference's, also where it was right: a chart a test, of its longest run."""

from __future__ import annotations

from grader.evidence import Curve
from grader.report.html.budget import HEADLINE, cut
from grader.report.html.curves import chart
from grader.report.html.failure import verdict_tag
from grader.report.html.markup import Markup, join, tag
from grader.score import Grade
from grader.verdict import CaseResult

_MOST = 12  # charts


def training(grade: Grade) -> Markup | None:
    """The charts; None where no case has a curve. A lost case goes before a passed one of the same test."""
    results = [result for item in grade.problems for result in item.results if _curve(result) is not None]
    chosen: dict[str, CaseResult] = {}
    for result in results:
        test = result.case.id.partition("[")[0]
        if test not in chosen or _rank(result) > _rank(chosen[test]):
            chosen[test] = result
    if not chosen:
        return None
    charts = [_chart(result) for result in list(chosen.values())[:_MOST]]
    return tag("section", tag("h2", "Training", id="training"), *charts, aria_labelledby="training")


def _chart(result: CaseResult) -> Markup:
    curve = _curve(result)
    assert curve is not None
    head = tag("h3", tag("code", cut(result.case.id, HEADLINE)), " ", verdict_tag(result.verdict))
    return join(head, chart(curve))


def _curve(result: CaseResult) -> Curve | None:
    """The case's first; one value is none."""
    return next((curve for curve in result.evidence.curves if max(len(curve.got), len(curve.want)) > 1), None)


def _rank(result: CaseResult) -> tuple[bool, int]:
    curve = _curve(result)
    return bool(result.message), len(curve.want) if curve else 0
