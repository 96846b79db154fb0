"""The top of the page: the score, what stands in the way of a grade, and the points of every bucket and problem."""

from __future__ import annotations

from grader.report.html.bars import bar, standing
from grader.report.html.budget import MESSAGE, cut
from grader.report.html.markup import Markup, join, tag
from grader.report.wording import count, points
from grader.score import BucketScore, Grade, ProblemScore
from grader.verdict import Verdict


def anchor(item: ProblemScore) -> str:
    """The id of a problem's part of the page."""
    return f"problem-{item.problem.name}"


def header(grade: Grade) -> Markup:
    """The assignment, the tree and the total."""
    share = grade.score / grade.max_score if grade.max_score else 0.0
    return tag(
        "header",
        tag("p", grade.assignment, class_="muted over"),
        tag("h1", tag("bdi", grade.tree)),
        tag("p", points(grade.score, grade.max_score), tag("span", " points", class_="muted"), class_="score"),
        bar(share, f"large {standing(grade.score, grade.max_score)}"),
        tag("p", _facts(grade), class_="muted"),
        tag("p", "Only a part was graded: ", tag("code", f"-k {grade.selection}"), class_="note")
        if grade.selection
        else None,
        _fault(grade.fault) if grade.fault else None,
    )


def overview(grade: Grade) -> Markup:
    """The table of buckets and problems."""
    rows = []
    for bucket in grade.buckets:
        inside = [item for item in grade.problems if item.problem.bucket == bucket.name]
        if [item.problem.name for item in inside] == [bucket.name]:
            rows.append(_problem_row(inside[0], alone=True))
        else:
            rows += [_bucket_row(bucket), *(_problem_row(item) for item in inside)]
    head = tag(
        "thead",
        tag(
            "tr",
            tag("th", "Problem", scope="col"),
            tag("th", tag("span", "Share of the points", class_="sr"), scope="col", class_="bars"),
            tag("th", "Points", scope="col", class_="num"),
            tag("th", "Cases passed", scope="col", class_="num"),
        ),
    )
    total = tag(
        "tr",
        tag("th", "Total", scope="row"),
        tag("td"),
        tag("td", points(grade.score, grade.max_score), class_="num"),
        tag("td", _passed(*grade.problems), class_="num"),
    )
    return tag(
        "section",
        tag("h2", "Points", id="points"),
        tag("table", head, tag("tbody", *rows), tag("tfoot", total), class_="points"),
        aria_labelledby="points",
    )


def _problem_row(item: ProblemScore, *, alone: bool = False) -> Markup:
    link = tag("a", item.problem.name, href=f"#{anchor(item)}")
    return tag(
        "tr",
        tag("th", link, scope="row", class_=None if alone else "within"),
        tag("td", _share_bar(item.score, item.max_score)),
        tag("td", points(item.score, item.max_score), class_="num"),
        tag("td", _passed(item), class_="num"),
    )


def _bucket_row(bucket: BucketScore) -> Markup:
    return tag(
        "tr",
        tag("th", bucket.name, scope="row"),
        tag("td", _share_bar(bucket.score, bucket.max_score)),
        tag("td", points(bucket.score, bucket.max_score), class_="num"),
        tag("td"),
        class_="group",
    )


def _share_bar(score: float, max_score: float) -> Markup:
    return bar(score / max_score if max_score else 0.0, standing(score, max_score))


def _passed(*items: ProblemScore) -> str:
    ran = sum(len(item.results) - item.count(Verdict.NOT_RUN) for item in items)
    return f"{sum(item.count(Verdict.PASS) for item in items)} of {ran}"


def _facts(grade: Grade) -> Markup:
    absent = sum(item.count(Verdict.NOT_RUN) for item in grade.problems)
    parts = [f"Seed {grade.seed}", f"on {' and '.join(grade.devices)}"]
    parts += [f"{count(absent, 'case')} not run"] if absent else []
    return join(", ".join(parts), ".")


def _fault(fault: str) -> Markup:
    return tag(
        "div",
        tag("h2", "Nothing could be graded"),
        tag("pre", cut(fault, MESSAGE), tabindex=0),
        class_="fault",
        role="note",
    )
