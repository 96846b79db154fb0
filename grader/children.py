"""The processes that a run starts: known by name, so that whatever ends the run early ends them as well."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from grader.sandbox import Limits, Sandbox

_GRACE = 10  # seconds for a judge to end its worker; it looks up every 0.05 s, but a busy machine may keep it waiting


class Stopped(Exception):
    """The run was stopped, so nothing is started any more. What stopped it is the error that matters."""


class Children:
    """Judges (processes of ours, with a worker to end) and boxes (compilers). Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._judges: list[subprocess.Popen[bytes]] = []
        self._boxes: list[subprocess.Popen[bytes]] = []

    @property
    def stopped(self) -> bool:
        """Whether stop() was called."""
        return self._stopped

    def judge(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a process of ours; options are Popen's. Raises Stopped."""
        # A session of its own: Ctrl-C in a terminal goes to the whole group, and a second interrupt in the middle of a
        # judge's tidying up would leave its worker behind.
        return self._start(lambda: subprocess.Popen(command, start_new_session=True, **options), self._judges)

    def box(self, sandbox: Sandbox) -> Sandbox:
        """`sandbox`, but what it spawns is known here."""
        return _Watched(sandbox, lambda spawn: self._start(spawn, self._boxes))

    def stop(self) -> None:
        """End everything that was started and wait for it; from now on nothing more starts."""
        with self._lock:
            self._stopped = True
        for box in self._boxes:
            if box.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(box.pid, signal.SIGKILL)
        for judge in self._judges:
            judge.send_signal(signal.SIGINT)
        end = time.monotonic() + _GRACE
        for judge in self._judges:
            try:
                judge.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                judge.kill()

    def _start(
        self, start: Callable[[], subprocess.Popen[bytes]], known: list[subprocess.Popen[bytes]]
    ) -> subprocess.Popen[bytes]:
        with self._lock:  # also around the start: nothing may slip in between stop()'s mark and its look at the lists
            if self._stopped:
                raise Stopped
            known[:] = [process for process in known if process.returncode is None]
            known.append(process := start())
            return process


class _Watched:
    """A sandbox whose processes are started by way of `start`."""

    def __init__(
        self, inner: Sandbox, start: Callable[[Callable[[], subprocess.Popen[bytes]]], subprocess.Popen[bytes]]
    ) -> None:
        self.name = inner.name
        self._inner = inner
        self._start = start

    def spawn(
        self,
        command: Sequence[str],
        *,
        limits: Limits,
        cwd: Path,
        readable: Sequence[Path],
        writable: Sequence[Path],
        env: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        output: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """See Sandbox."""
        return self._start(
            lambda: self._inner.spawn(
                command,
                limits=limits,
                cwd=cwd,
                readable=readable,
                writable=writable,
                env=env,
                pass_fds=pass_fds,
                output=output,
            )
        )
