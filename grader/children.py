"""The processes that a run starts: known by name, so that whatever ends the run early ends them as well."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.forked_judge import POSSIBLE, ForkedJudge, Starter
from grader.sandbox import Limits, Running, Sandbox

_GRACE = 10  # seconds for a judge to end its worker; it looks up every 0.05 s, but a busy machine may keep it waiting


Judge = subprocess.Popen[bytes] | ForkedJudge


class Stopped(Exception):
    """The run was stopped, so nothing is started any more. What stopped it is the error that matters."""


class Children:
    """Judges (processes of ours, with a worker to end) and boxes (compilers). Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._judges: list[Judge] = []
        self._starter: Starter | None = None
        self._boxes: list[Running] = []

    @property
    def stopped(self) -> bool:
        """Whether stop() was called."""
        return self._stopped

    def judge(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a process of ours; options are Popen's. Raises Stopped."""
        # A session of its own: Ctrl-C in a terminal goes to the whole group, and a second interrupt in the middle of a
        # judge's tidying up would leave its worker behind.
        with self._lock:  # also around the start: nothing may slip in between stop()'s mark and its look at the lists
            self._check()
            self._forget_ended()
            self._judges.append(judge := subprocess.Popen(command, start_new_session=True, **options))
            return judge

    def warm_up(self, suite: Path, cwd: Path, environ: Mapping[str, str]) -> None:
        """Get ready, beside whatever else is done, to start judges of this suite by `fork`; else that starts none."""
        with self._lock:
            self._check()
            if POSSIBLE and self._starter is None:
                self._starter = Starter(suite, cwd, environ)

    def fork(self, arguments: Sequence[str], log: int, events: int) -> ForkedJudge | None:
        """Start a judge that runs pytest with these arguments; None where nothing is warm. Raises Stopped.

        log, events: descriptors for what pytest prints and for the judge's events.
        """
        with self._lock:
            self._check()
            if self._starter is None:
                return None
            self._forget_ended()
            self._judges.append(judge := self._starter.start(arguments, log, events))
            return judge

    def box(self, sandbox: Sandbox) -> Sandbox:
        """`sandbox`, but what it spawns is known here."""
        return _Watched(sandbox, self._start_box)

    def stop(self) -> None:
        """End everything that was started and wait for it; from now on nothing more starts."""
        with self._lock:
            self._stopped = True
        for box in self._boxes:
            box.kill()
        for judge in self._judges:
            judge.send_signal(signal.SIGINT)
        end = time.monotonic() + _GRACE
        for judge in self._judges:
            try:
                judge.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                judge.kill()
        self.close()

    def close(self) -> None:
        """Let go of what was kept warm; waits for judges that still run."""
        with self._lock:
            starter, self._starter = self._starter, None
        if starter is not None:
            starter.close()

    def _forget_ended(self) -> None:
        self._judges = [judge for judge in self._judges if judge.returncode is None]

    def _start_box(self, spawn: Callable[[], Running]) -> Running:
        with self._lock:
            self._check()
            self._boxes = [box for box in self._boxes if not box.ended()]
            self._boxes.append(box := spawn())
            return box

    def _check(self) -> None:
        if self._stopped:
            raise Stopped


class _Watched:
    """A sandbox whose boxes are started by way of `start`."""

    def __init__(self, inner: Sandbox, start: Callable[[Callable[[], Running]], Running]) -> None:
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
        scratch: Path,
        env: Mapping[str, str],
        channel: socket.socket | None = None,
    ) -> Running:
        """See Sandbox."""
        return self._start(
            lambda: self._inner.spawn(
                command,
                limits=limits,
                cwd=cwd,
                readable=readable,
                writable=writable,
                scratch=scratch,
                env=env,
                channel=channel,
            )
        )
