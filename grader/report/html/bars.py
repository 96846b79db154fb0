"""Bars: the share of something that was won or used. The number itself always stands beside it."""

from __future__ import annotations

from grader.report.html.markup import Markup, tag


def bar(share: float, kind: str = "") -> Markup:
    """A bar of which this share, from 0 to 1, is filled. kind: a class of the page's style."""
    share = min(1.0, max(0.0, share))
    # What is not nothing must not look like it, nor what is not all like all.
    width = 0.0 if share == 0 else 100.0 if share == 1 else min(98.5, max(1.5, 100 * share))
    return tag(
        "svg",
        tag("rect", width=100, height=8, class_="track"),
        tag("rect", width=width, height=8, class_="fill") if width else None,
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden="true",
        class_=f"bar {kind}".strip(),
    )


def standing(score: float, max_score: float) -> str:
    """The kind of bar that points have."""
    return "none" if max_score == 0 else "good" if score == max_score else "bad" if score == 0 else "part"
