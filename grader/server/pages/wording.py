"""Numbers, moments and reasons in words: the filters of the templates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from markupsafe import Markup

from grader.server.book.gradebook import Cell, StudentView
from grader.server.book.policy import Policy
from grader.visible import visible

# What a page says on top after a form was done; the address names the note, and can say nothing else.
NOTES = {
    "extension": "The extension is saved.",
    "withdrawn": "The grade is withdrawn: it counts no longer.",
    "policy": "The policy is saved.",
    "late-days": "The course's late days are saved.",
    "applied": "The answers are applied: every stored submission is judged by them.",
    "revoked": "The key is revoked. Whoever still has it is signed out.",
    "signed-out": "You are signed out.",
}


def note(name: str) -> str:
    """The note of this name; nothing for any other."""
    return NOTES.get(name, "")


def number(value: float) -> str:
    """At most two decimals, and none that say nothing: 6.67, 8, 0.5."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def percent(share: float) -> str:
    """A share of 1 in whole percent; neither 0 % nor 100 % unless it is all or nothing."""
    rounded = round(100 * share)
    if rounded == 100 and share < 1:
        rounded = 99
    if rounded == 0 and share > 0:
        rounded = 1
    return f"{rounded} %"


def count(amount: float, noun: str) -> str:
    """An amount of things: "1 case", "2 cases"."""
    return f"{number(amount)} {noun}{'' if amount == 1 else 's'}"


def stamp(moment: datetime) -> str:
    """A moment to the minute: "2026-12-01 23:59 UTC"."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def moment(value: datetime) -> Markup:
    """A moment as an element; time.js adds the local time to it."""
    exact = value.astimezone(timezone.utc)
    return Markup('<time datetime="{}">{}</time>').format(exact.isoformat(timespec="seconds"), stamp(exact))


def for_input(value: datetime | None) -> str:
    """A moment as a datetime-local field takes it; the field's label says that it is UTC.

    With its seconds where it has any: a form that is saved as it was shown must not make 23:59:59 a minute earlier.
    """
    if value is None:
        return ""
    exact = value.astimezone(timezone.utc)
    return f"{exact:%Y-%m-%dT%H:%M:%S}" if exact.second else f"{exact:%Y-%m-%dT%H:%M}"


def span(length: timedelta) -> str:
    """A length of time in its two largest units: "3 days 4 hours"."""
    minutes = int(abs(length.total_seconds()) // 60)
    days, hours = divmod(minutes // 60, 24)
    parts = [(days, "day"), (hours, "hour"), (minutes % 60, "minute")]
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    said = [count(amount, unit) for amount, unit in parts[:2] if amount]
    return " ".join(said) or "less than a minute"


def relative(value: datetime, now: datetime) -> str:
    """Where a moment lies from now: "in 3 days 4 hours", "2 hours ago"."""
    return f"in {span(value - now)}" if value > now else f"{span(now - value)} ago"


def deadline(view: StudentView, policy: Policy, now: datetime) -> str:
    """A student's own deadline, in a sentence."""
    due, closes = view.due_at, view.closes_at
    if policy.open_at is not None and now < policy.open_at:
        return f"Opens {relative(policy.open_at, now)}."
    if due is None:
        return "There is no deadline."
    if now <= due:
        return f"Due {relative(due, now)}."
    on_time = due + timedelta(minutes=policy.grace_minutes)
    if now <= on_time:
        return f"Was due {relative(due, now)}. Submissions are on time for another {span(on_time - now)}."
    if closes is None or now <= closes:
        until = f" Late submissions are taken for another {span(closes - now)}." if closes is not None else ""
        return f"Was due {relative(due, now)}.{until}"
    return f"Closed {relative(closes, now)}."


def late_cost(late_days: int, penalty: float) -> str:
    """What being late did: "2 days late, 1.5 points off"."""
    if not late_days:
        return ""
    cost = f"{count(penalty, 'point')} off" if penalty else "no points off"
    return f"{count(late_days, 'day')} late, {cost}"


def reason(cell: Cell, policy: Policy) -> str:
    """Why a problem has the points that it has, in a few words."""
    own, found = cell.self_points, cell.verified_points
    if cell.kind == "verified":
        parts = ["Verified by the course's grader"]
        if own is not None and own != found:
            parts.append(f"self-reported {number(own)}")
    elif cell.kind:
        which = "the last" if policy.counts == "last" else "the best"
        parts = ["Self-reported" + (f", {which} of {count(cell.attempts, 'attempt')}" if cell.attempts > 1 else "")]
        if found is not None:
            parts.append(f"verified {number(found)}")
    elif policy.official == "verified" and found is not None:
        return f"Verified {number(found)}, but handed in after it closed"
    elif policy.official == "verified" and own is not None:
        return f"Self-reported {number(own)}; waits for the verified grade, which is the one that counts"
    elif cell.attempts:
        return f"No attempt in time ({count(cell.attempts, 'attempt')})"
    elif found is not None:
        return f"Verified {number(found)}, but only what is self-reported counts here"
    else:
        return "Nothing submitted yet"
    return "; ".join([*parts, *filter(None, [late_cost(cell.late_days, cell.penalty)])])


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "percent": percent,
    "count": count,
    "stamp": stamp,
    "moment": moment,
    "for_input": for_input,
    "relative": relative,
    "span": span,
    "late_cost": late_cost,
    "reason": reason,
    "deadline": deadline,
    "visible": visible,
}
