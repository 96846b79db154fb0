"""The cases by problem: failures first, one of each kind in full, then lists of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from grader.report.failures import failures_in, group_failures, headline, lost_of, not_implemented
from grader.report.html.bars import bar, standing
from grader.report.html.budget import HEADLINE, KINDS, Budget, cut
from grader.report.html.failure import failure_card, verdict_tag
from grader.report.html.markup import Markup, join, prose, tag
from grader.report.html.overview import anchor
from grader.report.wording import count, points
from grader.score import Grade, ProblemScore
from grader.verdict import LOST, CaseResult, Verdict


def problems(grade: Grade) -> Markup:
    """A part of the page for each problem."""
    budget = Budget()
    return tag(
        "section",
        tag("h2", "Cases", id="cases"),
        *(_problem(item, budget) for item in grade.problems),
        aria_labelledby="cases",
    )


def _problem(item: ProblemScore, budget: Budget) -> Markup:
    lost = len(lost_of(item.results))
    name = tag("h3", item.problem.name)
    told = [points(item.score, item.max_score), *([f"{count(lost, 'case')} lost"] if lost else [])]
    share = item.score / item.max_score if item.max_score else 0.0
    head = tag("summary", name, bar(share, standing(item.score, item.max_score)), tag("span", ", ".join(told)))
    return tag(
        "details",
        head,
        tag("p", item.problem.about, class_="muted") if item.problem.about else None,
        *_failures(item, budget),
        *_lists(item),
        id=anchor(item),
        class_="problem",
        open=bool(lost),
    )


def _failures(item: ProblemScore, budget: Budget) -> Iterator[Markup]:
    missing, failures = not_implemented(item), group_failures(item)
    if missing:
        names = [tag("li", tag("code", name), f", met by {count(number, 'case')}") for name, number in missing.items()]
        yield join(tag("p", "Not implemented yet:", class_="lead"), tag("ul", *names, class_="missing"))
    told = 0
    drawn = _drawn(item)
    for failure in failures[:KINDS]:
        shown = replace(failure, first=drawn.get(failure.kind, failure.first))
        card = budget.card(partial(failure_card, shown))
        if card is not None:
            told += 1
            yield card
    if told < len(failures):
        more = count(len(failures) - told, "more kind")
        yield tag("p", f"{more} of failure: in the list below, and in full in grade.json.", class_="lead")


def _drawn(item: ProblemScore) -> dict[str, CaseResult]:
    """Of every kind of failure the first case that has a picture: not all pictures of a run are kept."""
    found: dict[str, CaseResult] = {}
    for result in item.results:
        if result.evidence.wrong is not None and result.evidence.wrong.picture is not None:
            for failure in failures_in([result]):
                found.setdefault(failure.kind, result)
    return found


def _lists(item: ProblemScore) -> Iterator[Markup]:
    for title, verdicts in (("lost", LOST), ("not run", (Verdict.NOT_RUN,)), ("passed", (Verdict.PASS,))):
        found = [result for result in item.results if result.verdict in verdicts]
        if found:
            yield tag("details", tag("summary", f"{count(len(found), 'case')} {title}"), _table(found), class_="list")


def _table(results: Sequence[CaseResult]) -> Markup:
    """A line a case: what was asked of one that passed, what is wrong with one that did not."""
    rows = [
        tag(
            "tr",
            tag("th", tag("code", cut(result.case.id, HEADLINE)), scope="row"),
            tag("td", *_said(result)),
            tag("td", f"{result.seconds:.2f} s", class_="num"),
        )
        for result in results
    ]
    names = (
        tag("th", "Case", scope="col"),
        tag("th", "What", scope="col"),
        tag("th", "Time", scope="col", class_="num"),
    )
    return tag("table", tag("thead", tag("tr", *names)), tag("tbody", *rows), class_="cases")


def _said(result: CaseResult) -> list[Markup | str]:
    if result.verdict is Verdict.PASS:
        return [prose(cut(result.case.title, HEADLINE))]
    return [verdict_tag(result.verdict), " ", cut(headline(result), HEADLINE)]
