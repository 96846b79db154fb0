"""A process of ours that runs pytest over a suite and tells what happens, a line of JSON at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.assignment import own_suite
from grader.children import Children, Judge
from grader.errors import GraderError, UsageError
from grader.judging.json_report import USAGE

ROOT = Path(__file__).resolve().parent.parent
OWN_SUITE = own_suite(ROOT)  # what is meant where no suite is named

_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # grading is single-threaded: two threads on a busy machine are slower by far, and unfair
    "PYTHONHASHSEED": "0",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # no plugin that happens to be installed has a say in a grade
}


def judging_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a judge: the user's, less what could bend a grade or make the judge import a tree.

    PYTEST_ADDOPTS="-k flip" would drop cases; with a tree on PYTHONPATH (the course's notebooks put it there) the
    judge would import the tree's numpy.py.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    return {**kept, **_ENVIRONMENT}


def start(arguments: Sequence[str], log: Path, children: Children) -> tuple[Judge, int]:
    """The running judge, and the descriptor from which to read its events; what it prints goes to the file `log`.

    arguments: pytest's.
    """
    reader, writer = os.pipe()
    try:
        with log.open("wb") as output:
            process: Judge | None = children.fork(arguments, output.fileno(), writer)
            process = process or children.judge(
                [sys.executable, "-m", "pytest", *arguments, "--events", str(writer)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[writer],
                env=judging_environment(os.environ),
            )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    return process, reader


def events(reader: int) -> Iterator[dict[str, Any]]:
    """What the judge tells, as it comes, until it has ended."""
    with os.fdopen(reader, encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):  # else the judge was killed in the middle of it; its exit status says so
                yield json.loads(line)


def failure(status: int, log: str, what: str) -> UsageError | GraderError:
    """Why a judge ended early. status: its exit status; log: what it printed; what: "judging student"."""
    if status == USAGE:
        return UsageError(_last_error(log.strip()))
    how = f"was killed with {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return GraderError(f"{what} {how} before it was done. The end of its log:\n{log.strip()[-6000:]}")


def _last_error(text: str) -> str:
    """pytest's words for what was wrong with the command line."""
    lines = [line.removeprefix("ERROR: ") for line in text.splitlines() if line.startswith("ERROR: ")]
    return lines[-1] if lines else text[-500:]
