"""One failure in full: what was asked, what is wrong with the answer, where to look, and how to see it again."""

from __future__ import annotations

from collections.abc import Iterator

from grader.evidence import Evidence, Lines, Wrong
from grader.report.failures import Failure
from grader.report.html.budget import HEADLINE, MESSAGE, cut
from grader.report.html.curves import chart
from grader.report.html.heatmap import heat_maps
from grader.report.html.markup import Markup, join, prose, tag
from grader.verdict import Verdict

_LONGEST = 400  # characters of a headline
WORDS = {Verdict.FAIL: "wrong", Verdict.ERROR: "error", Verdict.PASS: "passed", Verdict.NOT_RUN: "not run"}


def verdict_tag(verdict: Verdict) -> Markup:
    """The verdict in a word."""
    kind = {Verdict.PASS: "good", Verdict.NOT_RUN: "none"}.get(verdict, "bad")
    return tag("span", WORDS[verdict], class_=f"tag {kind}")


def failure_card(failure: Failure, drawn: bool) -> Markup:
    """All that is known; drawn: with pictures and curves."""
    result, evidence = failure.first, failure.first.evidence
    more = tag("span", f" and {failure.count - 1} more like it", class_="muted") if failure.count > 1 else None
    head = [
        tag("h4", tag("code", cut(result.case.id, HEADLINE)), " ", verdict_tag(result.verdict), more),
        tag("p", cut(failure.headline, _LONGEST), class_="headline"),
        _facts(evidence, result.case.title, result.case.weight, _computed(failure)),
        _values(evidence.wrong) if evidence.wrong else None,
    ]
    drawings: list[Markup] = []
    if drawn and evidence.wrong is not None and evidence.wrong.picture is not None:
        drawings.append(heat_maps(evidence.wrong, evidence.wrong.picture))
    if drawn:
        drawings += [chart(curve) for curve in evidence.curves if curve.got or curve.want]
    tail = [_message(failure), _command(evidence.command or failure.command)]
    return tag("article", *head, *drawings, *tail, class_="failure")


def _computed(failure: Failure) -> str:
    """The line of the message that says what was to be computed: it begins with the question's name."""
    name = failure.first.evidence.question.partition(":")[0]
    lines = failure.message.split("\n")[1:]
    return next((line for line in lines if name and line.startswith(f"{name}: ")), "")


def _facts(evidence: Evidence, title: str, weight: float, computed: str) -> Markup:
    pairs: list[tuple[str, Markup | str]] = [("Asked", prose(evidence.asked or title))]
    if computed:
        pairs.append(("Computed", prose(cut(computed.partition(": ")[2], 4 * HEADLINE))))
    if evidence.question:
        pairs.append(("Input", tag("code", cut(evidence.question, 4 * HEADLINE))))
    if evidence.contrast:
        pairs.append(("Fails", evidence.contrast))
    if evidence.own:
        pairs.append(("Your code that ran", join(*_interleaved(evidence.own))))
    if evidence.section:
        pairs.append(("Handout", evidence.section))
    if weight != 1:
        pairs.append(("Weight", f"{weight:g} of a usual case"))
    return tag("dl", *(join(tag("dt", name), tag("dd", value)) for name, value in pairs if value), class_="about")


def _interleaved(places: tuple[Lines, ...]) -> Iterator[Markup]:
    for k, place in enumerate(places):
        lines = f"{place.first}" if place.first == place.last else f"{place.first}-{place.last}"
        if k:
            yield tag("br")
        yield tag("code", f"{place.file}:{lines}")
        if place.name:
            yield join(" ", tag("span", place.name, class_="muted"))


def _values(wrong: Wrong) -> Markup:
    """The first and the worst wrong value in a table; one row where they are the same."""
    places = [("first wrong", wrong.first, wrong.got[0], wrong.want[0])]
    if wrong.worst != wrong.first:
        places.append(("worst", wrong.worst, wrong.got[1], wrong.want[1]))
    head = tag(
        "tr",
        tag("td"),
        tag("th", "Index", scope="col"),
        tag("th", "Got", scope="col", class_="num"),
        tag("th", "Expected", scope="col", class_="num"),
    )
    rows = [
        tag(
            "tr",
            tag("th", what, scope="row"),
            tag("td", tag("code", f"[{', '.join(map(str, index))}]") if index else "the number"),
            tag("td", tag("code", got), class_="num"),
            tag("td", tag("code", want), class_="num"),
        )
        for what, index, got, want in places
    ]
    title = tag("caption", tag("code", f"{wrong.name} {wrong.shape}"), f": {wrong.count} of {wrong.size} values wrong")
    return tag("table", title, tag("thead", head), tag("tbody", *rows), class_="values")


def _message(failure: Failure) -> Markup | None:
    """What the message says beyond the parts told above: where it was raised, a small input's values."""
    evidence, wrong = failure.first.evidence, failure.first.evidence.wrong
    told = {f"Asked: {evidence.asked}", f"Handout: {evidence.section}", "Your code that ran:"}
    told |= {f"Fails {evidence.contrast}.", _computed(failure)} - {""}
    told |= {f"Input: {evidence.question.partition(': ')[2]}."}
    told |= {f"  {place.file}:{place.first}-{place.last} {place.name}" for place in evidence.own}
    told |= {failure.headline} if len(failure.headline) <= _LONGEST else set()
    lines = failure.message.split("\n")
    rest = [line for line in lines if line not in told and not (wrong and line.startswith("Worst: at "))]
    return tag("pre", cut("\n".join(rest), MESSAGE), tabindex=0) if rest else None


def _command(command: str) -> Markup | None:
    if not command:
        return None
    return tag("div", tag("span", "See it again: ", class_="muted"), tag("code", command), class_="command")
