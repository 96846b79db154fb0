"""What training measured, step by step, beside the reference's: a line chart as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

from grader.evidence import Curve
from grader.report.html.heatmap import short
from grader.report.html.markup import Markup, number, tag

WIDTH, HEIGHT = 460.0, 180.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 10.0, 10.0, 26.0  # of the frame
_HUGE = 1e300  # what is larger is drawn as this: the range of two float64 of different sign may have no number
_BEYOND = 4.0  # times the reference's range: what diverged further leaves the picture, or nothing else would be seen


def chart(curve: Curve) -> Markup:
    """Both curves; the reference's is dashed. A gap stands for what was not finite."""
    curve = Curve(curve.name, _finite(curve.got), _finite(curve.want))
    low, high = _range(curve)
    steps = max(len(curve.got), len(curve.want), 2) - 1

    def x(step: int) -> float:
        return _LEFT + step / steps * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - min(high, max(low, value))) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    def line(values: Sequence[float | None], kind: str) -> Markup:
        """A stroke for each stretch of finite values; a stretch of one value is a dot, by its round end."""
        path, pen = "", False
        for step, value in enumerate(values):
            if value is not None:
                path += f"{'L' if pen else 'M'}{number(x(step))} {number(y(value))}"
                path += "" if pen else "h0"
            pen = value is not None
        return tag("path", d=path, class_=kind)

    bottom = HEIGHT - _BOTTOM
    frame = [
        tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y(value), y2=y(value), class_="grid")
        for value in (low, (low + high) / 2, high)
    ]
    words = [
        tag("text", short(float(f"{value:.3g}")), x=_LEFT - 6, y=y(value), class_="end")
        for value in (low, (low + high) / 2, high)
    ]
    words += [
        tag("text", "0", x=_LEFT, y=bottom + 14),
        tag("text", str(steps), x=WIDTH - _RIGHT, y=bottom + 14, class_="end"),
        tag("text", "step", x=(_LEFT + WIDTH - _RIGHT) / 2, y=bottom + 14),
    ]
    drawing = tag(
        "svg",
        *frame,
        line(curve.got, "got"),
        line(curve.want, "want"),  # above, with gaps through which an equal one shows
        *words,
        viewBox=f"0 0 {number(WIDTH)} {number(HEIGHT)}",
        width=WIDTH,
        height=HEIGHT,
        role="img",
        aria_label=f"Chart of {curve.name} by step. Got: {_told(curve.got)}. Expected: {_told(curve.want)}.",
        class_="curve",
    )
    key = tag(
        "p",
        _stroke("got"),
        " got ",
        _stroke("want"),
        " expected",
        class_="muted axes",
    )
    return tag("figure", tag("figcaption", curve.name), drawing, key)


def _range(curve: Curve) -> tuple[float, float]:
    want = [value for value in curve.want if value is not None]
    got = [value for value in curve.got if value is not None]
    if not want:
        want = got or [0.0]
    low, high = min(want), max(want)
    room = _BEYOND * max(high - low, 1e-3 * max(abs(low), abs(high)), 1e-12)
    inside = [value for value in got if low - room <= value <= high + room]
    if len(inside) < len(got):
        inside += [low - room] if min(got) < low - room else []
        inside += [high + room] if max(got) > high + room else []
    low, high = min([low, *inside]), max([high, *inside])
    edge = 0.04 * (high - low) or 0.5
    return low - edge, high + edge


def _finite(values: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(
        max(-_HUGE, min(_HUGE, value)) if value is not None and math.isfinite(value) else None for value in values
    )


def _told(values: Sequence[float | None]) -> str:
    if not values:
        return "nothing"
    first, last = ("not finite" if value is None else f"{value:.4g}" for value in (values[0], values[-1]))
    return f"{len(values)} steps, from {first} to {last}"


def _stroke(kind: str) -> Markup:
    path = tag("path", d="M1 5h26", class_=kind)
    return tag("svg", path, viewBox="0 0 28 10", width=28, height=10, aria_hidden="true", class_="curve key")
