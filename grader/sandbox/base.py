"""What every box offers: spawn a command under limits, with a clean environment, and end all of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol


@dataclass(frozen=True)
class Limits:
    """Ceilings for one process (and what it starts) in a box. None: no limit of that kind."""

    memory_bytes: int | None  # of address space a process; None for CUDA, which reserves far more than it uses
    cpu_seconds: int  # of CPU time a process; the last line of defence behind the judge's own clock
    file_bytes: int  # largest file a process may write


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
        env: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        output: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start `command` as the leader of a session and process group of its own.

        readable, writable: what the box must be able to see, besides the interpreter and the compiler; a kind without
        a file system of its own ignores them. env: the whole environment. output: where stdout and stderr go together.
        """
        ...
