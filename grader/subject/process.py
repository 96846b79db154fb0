"""One worker process as the judge sees it: spawn, exchange frames under a clock, and end it with all it started."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from grader.sandbox import Limits, Running, Sandbox
from grader.sandbox.base import signal_name
from grader.sandbox.view import interpreter
from grader.subject import protocol

_POLL = 0.05  # seconds between two looks at the worker's CPU clock
_BOOT = "import sys; sys.path[:] = [{kit!r}, *sys.path]; from grader.subject.worker import main; main()"


@dataclass(frozen=True)
class Clock:
    """How long an exchange may take."""

    cpu_seconds: float  # of the worker's CPU time
    wall_seconds: float


class WorkerDied(Exception):
    """The worker ended before it answered; the text says how: "crashed with SIGSEGV"."""


class WorkerTooSlow(Exception):
    """The worker was cut off; the text says by which limit."""


class WorkerProcess:
    """A running worker. After any exception of `exchange` it is of no more use: `end` it."""

    def __init__(
        self,
        sandbox: Sandbox,
        kit: Path,
        *,
        limits: Limits,
        readable: Sequence[Path],
        scratch: Path,
        env: Mapping[str, str],
        output_bytes: int,
    ) -> None:
        """Spawn the worker. kit: see `kit.build_kit`. scratch: the one folder that it may write to."""
        self._memory_bytes = limits.memory_bytes
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._running = sandbox.spawn(
                    [interpreter(), "-I", "-S", "-B", "-c", _BOOT.format(kit=str(kit))],
                    limits=limits,
                    cwd=scratch,
                    readable=[kit, *readable],
                    writable=[],
                    scratch=scratch,
                    env=env,
                    channel=theirs,
                )
            except BaseException:
                ours.close()
                raise
        self._socket = ours
        self._socket.setblocking(False)
        self._buffer = bytearray()
        self._output = _Output(self._running.output, output_bytes)

    @property
    def output(self) -> str:
        """What the submission has printed so far, cut at its limit."""
        return self._output.text()

    def exchange(self, kind: str, body: Any, clock: Clock) -> tuple[str, Any]:
        """Send a frame and return the answer's (kind, body). Raises WorkerDied, WorkerTooSlow or ProtocolViolation."""
        self.send(kind, body, clock)
        return self.receive(clock)

    def send(self, kind: str, body: Any, clock: Clock) -> None:
        """Send a frame. Raises WorkerDied or WorkerTooSlow."""
        self._send(protocol.encode(kind, body), _Deadline(self._running, clock))

    def receive(self, clock: Clock) -> tuple[str, Any]:
        """The next frame's (kind, body). Raises WorkerDied, WorkerTooSlow or ProtocolViolation."""
        deadline = _Deadline(self._running, clock)
        return protocol.decode(lambda size: self._read(size, deadline))

    def end(self) -> None:
        """End the worker and all that it started, and let go of everything."""
        self._running.kill()
        try:
            self._running.wait()
        finally:
            self._socket.close()
            self._output.close()

    def _send(self, data: bytes, deadline: _Deadline) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                select.select([], [self._socket], [], deadline.check())
            except OSError:  # EPIPE, ECONNRESET: nobody reads any more
                raise WorkerDied(self._how_it_died()) from None

    def _read(self, size: int, deadline: _Deadline) -> bytes:
        while len(self._buffer) < size:
            try:
                part = self._socket.recv(1 << 20)
            except BlockingIOError:
                select.select([self._socket], [], [], deadline.check())
                continue
            except OSError:
                part = b""
            if not part:
                raise WorkerDied(self._how_it_died())
            self._buffer += part
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _how_it_died(self) -> str:
        """In words, from the exit status. A worker that hung up but lives on is killed first."""
        try:
            status = self._running.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "closed its connection to the grader"
        self._output.settle()
        if self._running.ran_out_of_memory():
            return f"was ended because it ran out of memory ({self._memory_bytes >> 20} MiB)"
        if status == -signal.SIGXCPU:
            return "used up the CPU time of its whole run"
        if status < 0:
            return f"crashed with {signal_name(-status)}"
        return f"ended the process with exit status {status}"


class _Deadline:
    """Watches the wall clock, and the CPU clock of a box from outside it."""

    def __init__(self, running: Running, clock: Clock) -> None:
        self._running = running
        self._clock = clock
        self._wall_end = time.monotonic() + clock.wall_seconds
        self._cpu_end = running.cpu_seconds() + clock.cpu_seconds

    def check(self) -> float:
        """Seconds to sleep until the next look. Raises WorkerTooSlow when time is up."""
        if self._running.cpu_seconds() > self._cpu_end:
            raise WorkerTooSlow(f"was stopped after {self._clock.cpu_seconds:g} s of CPU time")
        left = self._wall_end - time.monotonic()
        if left <= 0:
            raise WorkerTooSlow(f"was stopped after {self._clock.wall_seconds:g} s")
        return min(_POLL, left)


class _Output:
    """Drains a pipe as it fills, and keeps the beginning and the end of what came through.

    The draining must not wait for the writer's end: a full pipe would block the submission, and a daemon that it left
    behind could hold the pipe open for ever.
    """

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        self._pipe = pipe
        self._limit = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed under our hands by close()
            while part := os.read(self._pipe.fileno(), 1 << 16):
                room = self._limit - len(self._head)
                self._head += part[:room]
                self._tail += part[room:]
                self._dropped += max(0, len(self._tail) - self._limit)
                del self._tail[: -self._limit]

    def settle(self) -> None:
        """Wait a moment for the last words of a process that has just ended."""
        self._thread.join(timeout=0.5)

    def text(self) -> str:
        """The kept text; bytes that are not UTF-8 show as replacement characters."""
        gap = f"\n... {self._dropped} bytes dropped ...\n".encode() if self._dropped else b""
        return (bytes(self._head) + gap + bytes(self._tail)).decode("utf-8", "replace")

    def close(self) -> None:
        """Stop listening, whoever still holds the other end."""
        self._thread.join(timeout=0.2)
        if not self._thread.is_alive():
            self._pipe.close()
