"""Moments of a server, told to a person by the clock on their own wall."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

MINUTE = timedelta(minutes=1)


def when(seconds: float, now: datetime | None = None) -> str:
    """A moment so many seconds from now: "at 14:51 CET (in 60 minutes)"; with the day where it is another one.

    To the next full minute: at the time that is told, it has come. now: with a time zone; default: this machine's.
    """
    here = (now or datetime.now(timezone.utc)).astimezone()
    there = (here + timedelta(seconds=seconds)).astimezone()  # perhaps beyond a change of the clocks
    rest = timedelta(seconds=there.second, microseconds=there.microsecond)
    if rest:
        there = (there + MINUTE - rest).astimezone()
    day = "" if there.date() == here.date() else f" on {there:%a} {there.day} {there:%b}"
    minutes = math.ceil(seconds / 60)
    left = f"{minutes} minute{'' if minutes == 1 else 's'}" if minutes < 180 else f"{math.ceil(minutes / 60)} hours"
    return f"at {there:%H:%M %Z}{day} (in {left})"
