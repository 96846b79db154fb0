"""How an assignment goes: pass rates and the scores' histogram, and what happens around a deadline."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from fastapi import Request
from fastapi.responses import Response

from grader.server.book import gradebook
from grader.server.book.gradebook import ProblemStats
from grader.server.pages.rendering import now, page
from grader.server.pages.routing import new_router
from grader.server.pages.session import Staff

router = new_router()


@dataclass(frozen=True)
class Bar:
    """A bar of a chart, in the units of its drawing."""

    label: str  # under it
    value: int
    x: float
    y: float
    width: float
    height: float


def bars(labels: list[str], values: tuple[int, ...], width: float, height: float, gap: float = 4) -> list[Bar]:
    """A chart of these values, the tallest as high as the drawing; something is never as low as nothing."""
    most, step = max([*values, 1]), width / len(values)
    heights = [max(2.0, height * value / most) if value else 0.0 for value in values]
    return [
        Bar(label, value, round(step * i + gap / 2, 2), round(height - h, 2), round(step - gap, 2), round(h, 2))
        for i, (label, value, h) in enumerate(zip(labels, values, heights, strict=True))
    ]


@dataclass(frozen=True)
class Case:
    """A case of a problem, and how many have it right."""

    title: str
    share: float | None  # None: nobody has submitted it


def cases(stats: ProblemStats) -> list[Case]:
    """The problem's cases by index."""
    rates = stats.case_pass_rates
    return [
        Case(title, rates[i] if stats.students and i < len(rates) else None)
        for i, title in enumerate(stats.problem.cases)
    ]


@router.get("/a/{name}/statistics")
def statistics(request: Request, name: str, viewer: Staff) -> Response:
    """Pass rates by problem and case, and how the scores are spread."""
    with request.app.state.database.read() as session:
        assignment = gradebook.assignment(session, name)
        found = gradebook.statistics(session, name)
    edges = [f"{assignment.points * i / 10:g}" for i in range(11)]
    ranges = [f"{low} to under {high}" for low, high in pairwise(edges)]
    ranges[-1] = f"{edges[-2]} to {edges[-1]}"
    return page(
        request,
        "statistics.html",
        assignment=assignment,
        tab="statistics",
        stats=found,
        bars=bars(edges[:-1], found.histogram, 600, 160),
        ranges=ranges,
        cases={stats.problem.name: cases(stats) for stats in found.problems},
    )


@router.get("/a/{name}/live")
def live(request: Request, name: str, viewer: Staff) -> Response:
    """Counts around a deadline; live.js fetches the fragment every few seconds."""
    return _live(request, name, "live.html")


@router.get("/a/{name}/live/fragment")
def live_fragment(request: Request, name: str, viewer: Staff) -> Response:
    """The part of the live page that changes."""
    return _live(request, name, "live_counts.html")


def _live(request: Request, name: str, template: str) -> Response:
    moment = now(request)
    with request.app.state.database.read() as session:
        assignment = gradebook.assignment(session, name)
        counts = gradebook.live_counts(session, name, moment)
    labels = [f"{60 - 5 * i}" for i in range(len(counts.submissions_last_hour))]
    return page(
        request,
        template,
        assignment=assignment,
        tab="live",
        counts=counts,
        bars=bars(labels, counts.submissions_last_hour, 600, 100),
    )
