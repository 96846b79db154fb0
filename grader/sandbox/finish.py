"""Run a command in a box to its end: under a clock, its output drained and cut, nothing of it left running."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox.base import Limits, Sandbox

_POLL = 0.05  # seconds between two looks at a command that says nothing


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    status: int | None  # exit status, or minus the signal's number; None: it was stopped when its time was up
    output: str  # the beginning of stdout and stderr together


def run_to_end(
    sandbox: Sandbox,
    command: Sequence[str],
    *,
    limits: Limits,
    wall_seconds: float,
    output_bytes: int,
    cwd: Path,
    readable: Sequence[Path],
    writable: Sequence[Path],
    env: Mapping[str, str],
) -> Finished:
    """Spawn `command` (see Sandbox.spawn) and wait for it, at most `wall_seconds`; output is kept to `output_bytes`."""
    process = sandbox.spawn(
        command,
        limits=limits,
        cwd=cwd,
        readable=readable,
        writable=writable,
        env=env,
        output=subprocess.PIPE,
    )
    kept = bytearray()
    end = time.monotonic() + wall_seconds
    try:
        ended = _drain(process, kept, output_bytes, end)
    finally:
        # The group before the leader is reaped: after that its number may belong to somebody else. Also after a good
        # end: what it left running must not go on beside the next command.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return Finished(status if ended else None, kept.decode("utf-8", "replace"))


def _drain(process: subprocess.Popen[bytes], kept: bytearray, limit: int, end: float) -> bool:
    """Read until the command has ended (True) or time is up (False).

    Not until the pipe's last writer has ended: that may be a daemon, and it may never stop writing.
    """
    assert process.stdout is not None
    pipe, open_ = process.stdout.fileno(), True
    while True:
        ended = _has_ended(process)  # before the read, so that the last words are read after it
        if open_ and select.select([pipe], [], [], 0 if ended else _POLL)[0]:
            part = os.read(pipe, 1 << 20)
            open_ = bool(part)
            kept += part[: max(0, limit - len(kept))]
        elif not open_ and not ended:
            time.sleep(0.02)
        if ended or time.monotonic() > end:
            return ended


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the command has ended, which leaves it to be reaped where the system can tell without doing so."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return process.poll() is not None
    how = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, how) is not None
