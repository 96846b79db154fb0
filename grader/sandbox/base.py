"""What every box offers: run a command under limits, with a clean environment, and end all of it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol


@dataclass(frozen=True)
class Limits:
    """Ceilings for a command and all that it starts. A kind of box that cannot hold one says so in its module."""

    memory_bytes: int  # of address space a process, and of memory that all of the box uses; with `gpu` the latter alone
    cpu_seconds: int  # of CPU time a process; the last line of defence behind the judge's own clock
    file_bytes: int  # largest file that may be written
    processes: int  # at a time, the command itself included; 1: it may start threads, and no process
    scratch_bytes: int  # of all that is written to `scratch`, where that is the box's own
    gpu: bool = False  # whether the GPUs must be seen; CUDA reserves address space by the terabyte, and uses little

    @property
    def address_bytes(self) -> int | None:
        """Of address space a process; None: not limited."""
        return None if self.gpu else self.memory_bytes


# Seconds of CPU time from a process's soft limit, where it gets SIGXCPU, which tells why, to its hard one: SIGKILL.
# With both the same the kernel sends SIGKILL alone, which looks like anybody's doing.
CPU_GRACE = 2


def signal_name(number: int) -> str:
    """What a signal is called: SIGSEGV, or "signal 40": Python's enum lacks most of the real-time ones."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Running(Protocol):
    """A command in its box."""

    output: IO[bytes]  # what it prints, a pipe: stderr; stdout as well where that is not the channel

    def ended(self) -> bool:
        """Whether the command has ended; it stays unreaped, so that its number is nobody else's before `kill`."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Reap it: its exit status, or minus the number of the signal that ended it.

        Raises subprocess.TimeoutExpired, and GraderError where it shows only now that the box could not be made.
        """
        ...

    def kill(self) -> None:
        """End it and everything that it started, at once; harmless when it has ended. `wait` is still to be called."""
        ...

    def cpu_seconds(self) -> float:
        """CPU time that the command and what it started have used so far; 0.0 where that cannot be told."""
        ...

    def ran_out_of_memory(self) -> bool:
        """Whether the system ended a process of the box because the box's memory was used up; False where unknown."""
        ...


class Sandbox(Protocol):
    """One kind of box."""

    name: str

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
        """Start `command` in a box of its own.

        readable: what the box must show, besides the system's libraries and Python; nothing of it can be changed.
        writable: folders of the caller's, for what is to be there when the box is gone. scratch: an empty folder of the
        caller's for temporary files, under the same name inside; a kind with a file system of its own puts memory in
        its place, so that nothing of it ever reaches a disk. cwd: one of all these. A kind without a file system of its
        own lets the command see everything that the user does. env: the whole environment.

        channel: becomes stdin and stdout; the caller closes its own copy. Without it stdin is empty, and stdout goes to
        `output`. Raises GraderError where the box cannot be made: no submission is at fault.

        The kinds `bubblewrap` and `landlock` end with the thread that called this (prctl(2), PR_SET_PDEATHSIG), so that
        nothing outlives a judge that was killed: whoever starts a box ends it in the same thread.
        """
        ...
