"""grader.server.pages.wording: numbers, times and reasons as people read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from grader.server.book.gradebook import Cell
from grader.server.book.policy import Policy
from grader.server.pages import wording
from grader.server.pages.insight import bars

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=timezone.utc)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
CELL = Cell(8.0, 10.0, "self-reported", 1, 0, 0.0, 5, 8.0, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (10.0, "10"),
        (20 / 3, "6.67"),
        (0.5, "0.5"),
        (100, "100"),
        (-0.001, "0"),
        (1.005, "1"),
        (99.999, "100"),
    ],
)
def test_numbers(value: float, expected: str) -> None:
    """At most two decimals, and no zeros at their end."""
    assert wording.number(value) == expected


@pytest.mark.parametrize(
    ("share", "expected"), [(0, "0 %"), (1, "100 %"), (0.999, "99 %"), (0.001, "1 %"), (2 / 3, "67 %")]
)
def test_percent(share: float, expected: str) -> None:
    """Nearly all is not all, and a little is not nothing."""
    assert wording.percent(share) == expected


@pytest.mark.parametrize(
    ("amount", "noun", "expected"),
    [(1, "case", "1 case"), (2, "day", "2 days"), (0, "case", "0 cases"), (0.13, "point", "0.13 points")],
)
def test_counts(amount: float, noun: str, expected: str) -> None:
    """One is one; anything else is many."""
    assert wording.count(amount, noun) == expected


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (MINUTE, "1 minute"),
        (2 * HOUR + 5 * MINUTE, "2 hours 5 minutes"),
        (2 * HOUR, "2 hours"),
        (DAY + MINUTE, "1 day"),
        (3 * DAY + 4 * HOUR + 5 * MINUTE, "3 days 4 hours"),
    ],
)
def test_spans(length: timedelta, expected: str) -> None:
    """The two largest units are enough."""
    assert wording.span(length) == expected


def test_times_are_utc_wherever_they_come_from() -> None:
    """A time of another zone is shown as UTC, with the exact moment for time.js and for a form's field."""
    value = datetime(2026, 12, 1, 18, 59, tzinfo=timezone(timedelta(hours=-5)))
    assert wording.stamp(value) == "2026-12-01 23:59 UTC"
    assert wording.moment(value) == '<time datetime="2026-12-01T23:59:00+00:00">2026-12-01 23:59 UTC</time>'
    assert wording.for_input(value) == "2026-12-01T23:59"
    assert wording.for_input(None) == ""
    assert wording.for_input(value.replace(second=59)) == "2026-12-01T23:59:59"


@pytest.mark.parametrize(
    ("opens", "due", "closes", "expected"),
    [
        (None, None, None, "There is no deadline."),
        (DAY, 2 * DAY, 2 * DAY, "Opens in 1 day."),
        (-DAY, 2 * DAY, 3 * DAY, "Due in 2 days."),
        (None, -HOUR, DAY, "Was due 1 hour ago. Late submissions are taken for another 1 day."),
        (None, -DAY, -HOUR, "Closed 1 hour ago."),
    ],
)
def test_a_deadline(opens: Any, due: Any, closes: Any, expected: str) -> None:
    """A deadline in words, before and after each of its moments."""
    at = [None if delta is None else NOW + delta for delta in (opens, due, closes)]
    view: Any = SimpleNamespace(due_at=at[1], closes_at=at[2])
    assert wording.deadline(view, Policy(open_at=at[0], due_at=at[1]), NOW) == expected


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (3 * MINUTE, "Was due 3 minutes ago. Submissions are on time for another 12 minutes."),
        (15 * MINUTE, "Was due 15 minutes ago. Submissions are on time for another less than a minute."),
        (20 * MINUTE, "Was due 20 minutes ago. Late submissions are taken for another 23 hours 55 minutes."),
    ],
)
def test_in_the_grace_nobody_is_told_to_be_late(late: timedelta, expected: str) -> None:
    """Until the grace has passed, what comes is on time."""
    view: Any = SimpleNamespace(due_at=NOW - late, closes_at=NOW - late + DAY + 15 * MINUTE)
    assert wording.deadline(view, Policy(due_at=NOW - late, grace_minutes=15), NOW) == expected


@pytest.mark.parametrize(
    ("changes", "policy", "expected"),
    [
        ({}, {}, "Self-reported"),
        ({"attempts": 3}, {}, "Self-reported, the best of 3 attempts"),
        ({"attempts": 3}, {"counts": "last"}, "Self-reported, the last of 3 attempts"),
        ({"verified_points": 6.0}, {}, "Self-reported; verified 6"),
        ({"late_days": 2, "penalty": 1.5}, {}, "Self-reported; 2 days late, 1.5 points off"),
        ({"late_days": 1}, {}, "Self-reported; 1 day late, no points off"),
        ({"kind": "verified", "verified_points": 8.0}, {"official": "verified"}, "Verified by the course's grader"),
        (
            {"kind": "verified", "verified_points": 6.0},
            {"official": "verified"},
            "Verified by the course's grader; self-reported 8",
        ),
        (
            {"kind": ""},
            {"official": "verified"},
            "Self-reported 8; waits for the verified grade, which is the one that counts",
        ),
        ({"kind": "", "attempts": 2}, {}, "No attempt in time (2 attempts)"),
        (
            {"kind": "", "verified_points": 6.0},
            {"official": "verified"},
            "Verified 6, but handed in after it closed",
        ),
        (
            {"kind": "", "attempts": 0, "self_points": None, "verified_points": 6.0},
            {"official": "verified"},
            "Verified 6, but handed in after it closed",
        ),
        (
            {"kind": "", "attempts": 0, "self_points": None, "verified_points": 6.0},
            {},
            "Verified 6, but only what is self-reported counts here",
        ),
        ({"kind": "", "attempts": 0, "self_points": None}, {}, "Nothing submitted yet"),
    ],
)
def test_reasons(changes: dict[str, Any], policy: dict[str, Any], expected: str) -> None:
    """Why a problem has its points: which attempt, of which kind, and what lateness took."""
    assert wording.reason(replace(CELL, **changes), Policy(**policy)) == expected


def test_a_note_is_one_of_ours() -> None:
    """The address can choose a note and write none."""
    assert wording.note("policy") == "The policy is saved."
    assert wording.note("<script>") == ""


def test_bars_fit_their_drawing() -> None:
    """The tallest bar is as high as the drawing, something never looks like nothing, and all stay inside."""
    found = bars(["a", "b", "c"], (0, 1, 1000), 300, 100)
    assert [bar.height for bar in found] == [0, 2, 100]
    assert all(bar.x >= 0 and bar.x + bar.width <= 300 and bar.y + bar.height == 100 for bar in found)
    assert [bar.height for bar in bars(["a"], (0,), 10, 10)] == [0]
