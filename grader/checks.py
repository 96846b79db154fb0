"""What --check names: what a simulated device watches for besides what it always does, and how it is told."""

from __future__ import annotations

from collections.abc import Collection

from grader.errors import UsageError

CHECKS = ("memory", "race")


def refuse_unknown(checks: Collection[str]) -> None:
    """Raises UsageError for a value of --check that is none."""
    for check in checks:
        if check not in CHECKS:
            raise UsageError(f"--check has value {check!r}; expected one of: {', '.join(CHECKS)}.")


def environment(checks: Collection[str]) -> dict[str, str]:
    """The variables that tell the simulator's runtime, before a module or a program is loaded."""
    return {"CUDASIM_CHECK": ",".join(check for check in CHECKS if check in checks)}
