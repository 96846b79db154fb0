"""The judge's side of grader/judging/starter.py: judges that are forks of one process which has imported everything."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.errors import GraderError

# Elsewhere a fork of a process that has imported NumPy, which may have started threads, is not safe.
POSSIBLE = sys.platform == "linux"


class ForkedJudge:
    """A judge that the starter has forked; it is spoken of as of a subprocess.Popen."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._waiting = threading.Lock()
        self.returncode: int | None = None  # the exit status, or minus a signal's number; None while it runs

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, when it has ended. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        # Whoever stops a run waits as well, beside the thread that reads the judge's events; one of them is told.
        if not self._waiting.acquire(timeout=-1 if timeout is None else timeout):
            raise subprocess.TimeoutExpired("a judge", timeout or 0)
        try:
            if self.returncode is None:
                if not select.select([self._line], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired("a judge", timeout or 0)
                self.returncode = self._last_word()
            return self.returncode
        finally:
            self._waiting.release()

    def _last_word(self) -> int:
        word = self._line.recv(64)
        self._line.close()
        if not word:
            raise GraderError("the process that starts judges ended before its judges.")
        return int(word)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended: the starter knows, and its number may be somebody else's by now."""
        if self.returncode is None:
            try:
                self._line.send(str(int(number)).encode())
            except OSError:  # it has ended, and its status is still to be read
                return

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class Starter:
    """The process that starts judges. It gets ready while its owner does something else."""

    def __init__(self, suite: Path, cwd: Path, environ: Mapping[str, str]) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "grader.judging.starter", str(theirs.fileno()), str(suite)],
                cwd=cwd,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # see Children.judge
            )

    def start(self, arguments: Sequence[str], log: int, events: int) -> ForkedJudge:
        """A judge that runs pytest with these arguments. log, events: descriptors that it writes to. GraderError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                socket.send_fds(self._line, [json.dumps(list(arguments)).encode()], [theirs.fileno(), log, events])
            except OSError as error:
                ours.close()
                raise GraderError(f"a judge could not be started: {error}") from None
        return ForkedJudge(ours)

    def close(self) -> None:
        """Start nothing more, and wait until the process, and with it its last judge, has ended."""
        self._line.close()
        self._process.wait()
