"""Where the time went: the slowest cases, and every problem's sum."""

from __future__ import annotations

from grader.report.html.bars import bar
from grader.report.html.budget import HEADLINE, cut
from grader.report.html.markup import Markup, tag
from grader.report.wording import count
from grader.score import Grade
from grader.verdict import Verdict

SLOWEST = 10  # cases


def timings(grade: Grade) -> Markup | None:
    """Wall times in the judging process, which waits for the submission; None where nothing took any."""
    results = [result for item in grade.problems for result in item.results]
    whole = sum(result.seconds for result in results)
    if not whole:
        return None
    ran = sum(result.verdict is not Verdict.NOT_RUN for result in results)
    by_problem = [(item.problem.name, sum(result.seconds for result in item.results)) for item in grade.problems]
    slowest = sorted(results, key=lambda result: -result.seconds)[:SLOWEST]
    by_case = [(cut(result.case.id, HEADLINE), result.seconds) for result in slowest if result.seconds]
    return tag(
        "section",
        tag("h2", "Time", id="time"),
        tag("p", f"{count(ran, 'case')} took {whole:.1f} s, one after the other.", class_="muted"),
        _table("By problem", "Problem", by_problem, code=False),
        _table(f"The slowest {len(by_case)}" if len(by_case) > 1 else "The slowest", "Case", by_case, code=True),
        aria_labelledby="time",
    )


def _table(title: str, what: str, times: list[tuple[str, float]], *, code: bool) -> Markup:
    longest = max(seconds for _, seconds in times) or 1.0
    rows = [
        tag(
            "tr",
            tag("th", tag("code", name) if code else name, scope="row"),
            tag("td", bar(seconds / longest)),
            tag("td", f"{seconds:.2f} s", class_="num"),
        )
        for name, seconds in times
    ]
    head = tag(
        "tr",
        tag("th", what, scope="col"),
        tag("th", tag("span", "Share of the longest", class_="sr"), scope="col", class_="bars"),
        tag("th", "Time", scope="col", class_="num"),
    )
    return tag("table", tag("caption", title), tag("thead", head), tag("tbody", *rows), class_="times")
