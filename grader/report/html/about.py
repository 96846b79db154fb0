"""The end of the page: what became of the files, suspicions, and what it takes to repeat the run."""

from __future__ import annotations

from grader.report.html.markup import Markup, join, tag
from grader.report.wording import FLAGS, flag_lines
from grader.score import Grade

FLAGGED = 50  # suspicions; grade.json has all


def files(grade: Grade) -> Markup | None:
    """The files that counted, and those that did not; None of a tree of which nothing is known."""
    account = grade.account
    if not account.taken and not account.told():
        return None
    parts = [
        ("Commit", tag("code", account.commit) if account.commit else None),
        ("Taken from the submission", f"{account.taken}"),
        ("Put beside them as they were given", f"{account.given}"),
        ("Compiled, cached or hidden, left out", f"{account.compiled}" if account.compiled else None),
        ("Not looked at", f"{account.passed_over}" if account.passed_over else None),
    ]
    told = [tag("li", sentence) for sentence in account.told()]
    return tag(
        "section",
        tag("h2", "Files", id="files"),
        _list(parts),
        join(tag("p", "Of the files that were handed in:", class_="lead"), tag("ul", *told, class_="break"))
        if told
        else None,
        aria_labelledby="files",
    )


def flags(grade: Grade) -> Markup | None:
    """For the instructor; a grade that a student sees has none."""
    told = flag_lines(grade.flags, FLAGGED)
    if not told:
        return None
    rows = [tag("tr", tag("th", tag("code", place), scope="row"), tag("td", text)) for place, text in told]
    head = tag("tr", tag("th", "Place", scope="col"), tag("th", "What, and why", scope="col"))
    return tag(
        "section",
        tag("h2", FLAGS, id="flags"),
        tag("table", tag("thead", head), tag("tbody", *rows), class_="flags"),
        aria_labelledby="flags",
    )


def run(grade: Grade) -> Markup:
    """What it takes to repeat the run, and on what it ran."""
    parts: list[tuple[str, Markup | str | None]] = [
        ("Seed", tag("code", str(grade.seed))),
        ("Devices", ", ".join(grade.devices)),
        ("Tree", tag("code", grade.tree_hash)),
        ("Suite", tag("code", grade.suite_hash)),
        *((name, value) for name, value in sorted(grade.environment.items())),
    ]
    return tag("section", tag("h2", "This run", id="run"), _list(parts), aria_labelledby="run")


def _list(pairs: list[tuple[str, Markup | str | None]]) -> Markup:
    return tag("dl", *(join(tag("dt", name), tag("dd", value)) for name, value in pairs if value), class_="about")
