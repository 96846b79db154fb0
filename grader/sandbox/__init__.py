"""Boxes for what a submission runs: one interface (`base.Sandbox`), a module a kind."""

from __future__ import annotations

from grader.sandbox.base import Limits, Running, Sandbox
from grader.sandbox.choice import AUTO, KINDS, Choice, choose, unavailable

__all__ = ["AUTO", "KINDS", "Choice", "Limits", "Running", "Sandbox", "choose", "open_sandbox", "unavailable"]


def open_sandbox(kind: str, *, tried: bool = False) -> Sandbox:
    """The sandbox of that kind, ready to spawn; "auto": see `choose`.

    tried: the command on whose behalf this is has started a box of the kind already (`choose`), which takes 0.1 s, with
    containers 1.5 s, and would be done again in each of its judges. What cannot be had after all then shows when a box
    is spawned. Raises UsageError for a kind that there is not, or that cannot be had here: never a fall-back to a
    weaker one.
    """
    chosen = kind if tried and kind in KINDS else choose(kind).kind
    # Imported when asked for: `grade --help` must not wait for what it does not use.
    if chosen == "bubblewrap":
        from grader.sandbox.bubblewrap import Bubblewrap

        return Bubblewrap()
    if chosen == "landlock":
        from grader.sandbox.landlock import Landlock

        return Landlock()
    if chosen == "container":
        from grader.sandbox.container import Container

        return Container()
    from grader.sandbox.none import PlainProcess

    return PlainProcess()
