"""Whether a kind of box works on this machine: one is started, and must print a word."""

from __future__ import annotations

import tempfile
from pathlib import Path

from grader.sandbox.base import Limits, Sandbox
from grader.sandbox.finish import run_to_end
from grader.sandbox.view import interpreter

_LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=10, file_bytes=1 << 20, processes=1, scratch_bytes=1 << 20)
_SECONDS = 60  # of patience; a container takes 0.6 s, the others 0.05 s
_WORD = "works"


def try_box(sandbox: Sandbox, what: str = "a box") -> str | None:
    """Start a Python in a box of this kind: what `what` printed where it is not right, else None.

    Raises GraderError where the box cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="grader-trial-") as folder:
        scratch = Path(folder)
        done = run_to_end(
            sandbox,
            [interpreter(), "-I", "-S", "-c", f"print({_WORD!r})"],
            limits=_LIMITS,
            wall_seconds=_SECONDS,
            output_bytes=2000,
            cwd=scratch,
            readable=[],
            writable=[],
            scratch=scratch,
            env={},
        )
    found = done.output.strip()
    return None if found == _WORD else f"{what} printed {found!r} in place of {_WORD!r}"
