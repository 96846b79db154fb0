"""Which kind of box: the one that was asked for, or with "auto" the strongest that works here, and why."""

from __future__ import annotations

import functools
import importlib
import sys
from dataclasses import dataclass

from grader.errors import UsageError

AUTO = "auto"
KINDS = ("none", "landlock", "bubblewrap", "container")
_PREFERRED = ("bubblewrap", "landlock")  # container: slow to start, and an image must be there; only by name


@dataclass(frozen=True)
class Choice:
    """A kind of box, and why."""

    kind: str  # one of KINDS
    told: str  # a sentence for reports: "bubblewrap: asked for"; "none: no bubblewrap (not installed; ...)"


def choose(kind: str) -> Choice:
    """`kind` itself, or for "auto" the first that works of bubblewrap and landlock, else none.

    To be called once, in the command: what runs on its behalf gets the kind by name, so that all of a run is in the
    same kind of box. Raises UsageError for an unknown kind, and for one that cannot be had here.
    """
    if kind == AUTO:
        return _strongest()
    if kind not in KINDS:
        raise UsageError(f"--sandbox has value {kind!r}; expected one of: {', '.join((AUTO, *KINDS))}.")
    if (why := unavailable(kind)) is not None:
        raise UsageError(f"--sandbox {kind} cannot be had here: {why}. Or leave --sandbox out.")
    return Choice(kind, f"{kind}: asked for")


@functools.cache
def unavailable(kind: str) -> str | None:
    """Why boxes of that kind cannot be had on this machine, with the remedy, without a full stop; None: they work."""
    if kind == "none":
        return None
    if sys.platform == "win32":
        return "boxes need Linux"
    module = importlib.import_module(f"grader.sandbox.{kind}")
    found: str | None = module.unavailable()
    return found


def _strongest() -> Choice:
    reasons: list[str] = []
    for kind in _PREFERRED:
        if (why := unavailable(kind)) is None:
            return Choice(kind, f"{kind}: the strongest box that works here" + "".join(reasons))
        reasons.append(f"; no {kind}: {why}")
    return Choice("none", "none: limits but no box, so the submission can do what you can" + "".join(reasons))
