"""The grade as one self-contained HTML page: it loads nothing, runs nothing that it needs, and prints."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from grader.report.html.about import files, flags, run
from grader.report.html.heatmap import HATCH
from grader.report.html.markup import Markup, join, tag
from grader.report.html.overview import header, overview
from grader.report.html.problems import problems
from grader.report.html.timings import timings
from grader.report.html.training import training
from grader.report.wording import points
from grader.score import Grade

_HERE = Path(__file__).parent


def to_html(grade: Grade) -> str:
    """The page, of a grade that holds only what its reader may see. All in it that is anybody's words is escaped."""
    style, script = _file("style.css"), _file("script.js")
    # Whatever a submission's words should manage to be, nothing is loaded or sent, and no other script or style counts.
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("meta", name_="robots", content="noindex"),
        tag("title", f"{grade.assignment}: {grade.tree}: {points(grade.score, grade.max_score)}"),
        tag("style", style),
    )
    parts = [header(grade), overview(grade)]
    parts += [] if grade.fault else [problems(grade)]
    parts += [part for part in (training(grade), flags(grade), timings(grade), files(grade)) if part is not None]
    body = tag("body", HATCH, tag("main", *parts, run(grade)), tag("script", script))
    return f"<!doctype html>\n{tag('html', join(head, body), lang='en')}\n"


def _file(name: str) -> Markup:
    """A file of ours that becomes a part of the page as it is."""
    return Markup((_HERE / name).read_text(encoding="utf-8"))


def _digest(part: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}"
