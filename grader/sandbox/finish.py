"""Run a command in a box to its end: under a clock, its output drained and cut, nothing of it left running."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError
from grader.sandbox.base import Limits, Running, Sandbox
from grader.sandbox.disk import holds_more_than

_POLL = 0.05  # seconds between two looks at a command that says nothing
_LOOK = 0.25  # seconds between two looks at what it has written


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    status: (
        int | None
    )  # exit status, or minus the signal's number; None: it was stopped, its time was up or its disk full
    output: str  # the beginning of stdout and stderr together
    out_of_memory: bool = False  # whether the system ended a process of it because the box's memory was used up
    too_much_written: bool = False  # whether it was stopped because of what it wrote to disk


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
    scratch: Path,
    env: Mapping[str, str],
    written_bytes: int | None = None,
) -> Finished:
    """Spawn `command` (see Sandbox.spawn) and wait for it, at most `wall_seconds`; output is kept to `output_bytes`.

    written_bytes: what it may write in all to `writable` and `scratch` on disk. It is looked at four times a second, so
    that a fast disk may take more for a moment.
    When this returns nothing of the command runs any more, so that what it left in `writable` stays as it is.
    """
    running = sandbox.spawn(
        command,
        limits=limits,
        cwd=cwd,
        readable=readable,
        writable=writable,
        scratch=scratch,
        env=env,
    )
    kept = bytearray()
    watch = _Watch(time.monotonic() + wall_seconds, (*writable, scratch), written_bytes)
    try:
        ended = _drain(running, kept, output_bytes, watch)
        out_of_memory = running.ran_out_of_memory()
    finally:
        running.kill()  # also after a good end: what it left running must not go on beside the next command
        try:
            status = running.wait()
        except GraderError as error:
            raise with_output(error, kept.decode("utf-8", "replace")) from None
        finally:
            running.output.close()
    return Finished(status if ended else None, kept.decode("utf-8", "replace"), out_of_memory, watch.too_much)


def with_output(error: GraderError, output: str) -> GraderError:
    """The error that a box could not be made, with what it printed: bubblewrap tells its reasons there."""
    last = " / ".join(line.strip() for line in output.splitlines()[-3:])
    return GraderError(f"{error} It printed: {last}" if last else str(error))


class _Watch:
    """When a command is to be stopped: its time is up, or it has written too much."""

    def __init__(self, end: float, folders: Sequence[Path], written_bytes: int | None) -> None:
        """end: on the monotonic clock."""
        self.too_much = False
        self._end = end
        self._folders = folders
        self._limit = written_bytes
        self._next_look = 0.0

    def says_stop(self) -> bool:
        """Whether it is to be stopped now."""
        now = time.monotonic()
        if self._limit is not None and now >= self._next_look:
            self.too_much = holds_more_than(self._folders, self._limit)
            self._next_look = now + _LOOK
        return self.too_much or now > self._end


def _drain(running: Running, kept: bytearray, limit: int, watch: _Watch) -> bool:
    """Read until the command has ended (True) or is to be stopped (False).

    Not until the pipe's last writer has ended: that may be a daemon, and it may never stop writing.
    """
    pipe, open_ = running.output.fileno(), True
    while True:
        ended = running.ended()  # before the read, so that the last words are read after it
        if open_ and select.select([pipe], [], [], 0 if ended else _POLL)[0]:
            part = os.read(pipe, 1 << 20)
            open_ = bool(part)
            kept += part[: max(0, limit - len(kept))]
        elif not open_ and not ended:
            time.sleep(0.02)
        if ended or watch.says_stop():
            return ended
