"""Boxes for what a submission runs: one interface (`base.Sandbox`), a module a kind."""

from __future__ import annotations

from grader.errors import UsageError
from grader.sandbox.base import Limits, Sandbox
from grader.sandbox.none import PlainProcess

__all__ = ["KINDS", "Limits", "Sandbox", "open_sandbox"]

KINDS = ("none",)


def open_sandbox(kind: str) -> Sandbox:
    """The sandbox of that kind, ready to spawn. Asking for one that cannot be had is an error, never a fall-back."""
    if kind == "none":
        return PlainProcess()
    raise UsageError(f"--sandbox has value {kind!r}; expected one of: {', '.join(KINDS)}.")
