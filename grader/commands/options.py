"""Options that several commands have, and how commands print."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from grader.errors import UsageError
from grader.judge import ROOT
from grader.report.audience import Audience
from grader.sandbox.choice import AUTO, KINDS

REFERENCE, STUDENT = ROOT / "reference", ROOT / "student"
# In the course's checkout other people's code is graded; in what students get there is no reference, and the code is
# their own, which can do anything to them anyway.
IN_COURSE = REFERENCE.is_dir()
SANDBOX = AUTO if IN_COURSE else "none"
AUDIENCE = Audience.usual(course=IN_COURSE).value

Suite = Annotated[Path, typer.Option("--suite", help="The assignment's folder.")]
Reference = Annotated[Path, typer.Option("--reference", help="The complete tree.")]
Student = Annotated[Path, typer.Option("--student", help="The tree that is derived from it.")]
Select = Annotated[str, typer.Option("-k", metavar="EXPR", help="Only these problems, buckets or tests.")]
SandboxKind = Annotated[
    str, typer.Option("--sandbox", metavar="|".join((AUTO, *KINDS)), help="The kind of box around a submission.")
]
Jobs = Annotated[int | None, typer.Option("--jobs", help="Processes at a time. Default: a core each.")]
Checks = Annotated[
    list[str] | None,
    typer.Option("--check", metavar="memory|race", help="What cuda-sim watches for besides; may be repeated."),
]


def console(*, stderr: bool = False) -> Console:
    """Where a command prints; without colours where NO_COLOR asks for that."""
    return Console(stderr=stderr, color_system=None if os.environ.get("NO_COLOR") else "auto")


def say(to: Console, line: str) -> None:
    """Print the line as it is: no markup (a folder may be called "[/]"), no colours for numbers, no line breaks."""
    to.print(line, markup=False, highlight=False, soft_wrap=True)


def checked_seed(seed: int | None) -> int:
    """The seed, or a new one. Raises UsageError."""
    if seed is None:
        return secrets.randbelow(1 << 31)
    if not 0 <= seed < 1 << 63:
        raise UsageError(f"--seed has value {seed}; expected a number from 0 to 2^63 - 1.")
    return seed


def checked_jobs(jobs: int | None) -> int:
    """How many processes at a time. Raises UsageError."""
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs has value {jobs}; expected a number from 1 up.")
    return jobs or _cores()


def checked_checks(check: list[str] | None) -> tuple[str, ...]:
    """The values of `--check`, each once."""
    return tuple(dict.fromkeys(check or ()))


def _cores() -> int:
    """The cores that this process may use; a container or Slurm may have given it fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
