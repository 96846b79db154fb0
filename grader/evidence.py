"""What a case found, beside its verdict: the parts of a failing case's message, and how near a right answer came.

Plain data: it travels from the judging process as JSON, and every report format takes from it what it can show.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

MARGINS = 64  # comparisons of a case that are kept; where there are more, those that came nearest to their tolerance
POINTS = 512  # of a curve; of a longer one every second, third ... is kept
# Of a test's lost cases. One is up to 0.1 MB of JSON, and more as objects; a tree may lose 1,200 cases, and the reports
# show the first of each kind.
PICTURES = 2


@dataclass(frozen=True)
class Margin:
    """How near one comparison came to its tolerance."""

    name: str  # what was compared: "z_grad"
    error: float  # the largest, as a share of what is allowed there; above 1 is wrong, inf where no number says it


@dataclass(frozen=True)
class Picture:
    """An array for the eye: rows of values, made coarser where it has more rows or columns than fit."""

    got: tuple[tuple[float | None, ...], ...]  # at most 64 x 64; None: not finite
    want: tuple[tuple[float | None, ...], ...]
    error: tuple[tuple[float | None, ...], ...]  # |got - want|, the largest of the values that fell together
    rows: str  # what a row is: "axis 0 (4), axis 1 (6)"
    columns: str
    block: tuple[int, int] = (0, 0)  # rows and columns of the blocks that it is laid out in; (0, 0): none


@dataclass(frozen=True)
class Wrong:
    """The comparison that failed."""

    name: str  # "z_grad"
    shape: tuple[int, ...]
    first: tuple[int, ...]  # the first wrong index
    worst: tuple[int, ...]  # the index of the largest error
    got: tuple[str, str]  # there: at the first, at the worst
    want: tuple[str, str]
    count: int  # wrong values
    size: int  # all values
    hint: str  # what the wrong values have in common; may be empty
    picture: Picture | None  # none where there is nothing to see


@dataclass(frozen=True)
class Lines:
    """A place in the submission's own code."""

    file: str  # "python/needle/ops/ops_mathematic.py"
    first: int
    last: int
    name: str  # "Conv.gradient"


@dataclass(frozen=True)
class Curve:
    """What training measured step by step, beside the oracle's."""

    name: str  # "loss"
    got: tuple[float | None, ...]
    want: tuple[float | None, ...]


@dataclass(frozen=True)
class Evidence:
    """All that is known of a case beside its verdict."""

    asked: str = ""  # what was asked, a sentence
    question: str = ""  # "conv_backward: z (1, 4, 4, 1), w (3, 3, 1, 1), stride 2, padding 1"
    wrong: Wrong | None = None  # of a wrong answer
    contrast: str = ""  # what sets the failing cases of its test apart: "where stride is above 1: ..."
    own: tuple[Lines, ...] = ()  # the submission's own lines that it comes from, the likeliest first
    section: str = ""  # where the handout speaks of it: "Part 3: Convolution, backward"
    command: str = ""  # that repeats the case
    margins: tuple[Margin, ...] = ()  # of every value compared; of one compared several times, the nearest
    curves: tuple[Curve, ...] = ()


class FirstPictures:
    """Keeps the first PICTURES of each test, and drops the others before they are kept or sent anywhere."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()  # by test

    def of(self, case: str, evidence: Evidence) -> Evidence:
        """The evidence of the next case, by its id: without its picture where its test has had enough."""
        if evidence.wrong is None or evidence.wrong.picture is None:
            return evidence
        test = case.partition("[")[0]
        self._count[test] += 1
        if self._count[test] <= PICTURES:
            return evidence
        return replace(evidence, wrong=replace(evidence.wrong, picture=None))


def to_json(evidence: Evidence) -> dict[str, Any]:
    """What is not empty, as JSON can hold it: tuples are lists, and a number that is not finite is null."""
    plain = {field.name: _plain(getattr(evidence, field.name)) for field in fields(evidence)}
    return {name: value for name, value in plain.items() if value not in ("", None, [])}


def from_json(data: Mapping[str, Any]) -> Evidence:
    """The evidence that `to_json` made this of; an infinite error is infinite again. Raises KeyError and TypeError."""
    wrong = data.get("wrong")
    return Evidence(
        asked=data.get("asked", ""),
        question=data.get("question", ""),
        wrong=_wrong(wrong) if wrong is not None else None,
        contrast=data.get("contrast", ""),
        own=tuple(Lines(**item) for item in data.get("own", ())),
        section=data.get("section", ""),
        command=data.get("command", ""),
        margins=tuple(
            Margin(item["name"], math.inf if item["error"] is None else item["error"])
            for item in data.get("margins", ())
        ),
        curves=tuple(Curve(item["name"], tuple(item["got"]), tuple(item["want"])) for item in data.get("curves", ())),
    )


def _wrong(data: Mapping[str, Any]) -> Wrong:
    picture = data["picture"]
    return Wrong(
        **{
            **data,
            "shape": tuple(data["shape"]),
            "first": tuple(data["first"]),
            "worst": tuple(data["worst"]),
            "got": (data["got"][0], data["got"][1]),
            "want": (data["want"][0], data["want"][1]),
            "picture": None if picture is None else _picture(picture),
        }
    )


def _picture(data: Mapping[str, Any]) -> Picture:
    got, want, error = (_rows(data[name]) for name in ("got", "want", "error"))
    return Picture(got, want, error, data["rows"], data["columns"], (data["block"][0], data["block"][1]))


def _rows(data: Iterable[Iterable[float | None]]) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(row) for row in data)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
