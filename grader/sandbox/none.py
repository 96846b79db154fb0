"""No box: a plain child process with resource limits, a clean environment and a process group of its own.

It keeps an honest submission's accidents (a crash, a hang, a flood of memory) from hurting the run. It does not keep a
hostile one from reading the user's files. Of the limits it holds memory, CPU time and file size, for each process by
itself; it does not count processes, and what is written to `scratch` is bounded by nothing but the disk.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from grader.sandbox import process_tree
from grader.sandbox.base import CPU_GRACE, Limits

# The limits are set by a shell that then becomes the command. Popen's preexec_fn would run Python code between fork and
# exec of a process with threads (the judge has PyTorch's), which can deadlock. ulimit sets the hard limit as well, so
# the command cannot raise it again. macOS knows no limit on address space: there the message is dropped. Where memory
# runs out, of the machine or of a container, Linux is to kill what a submission started, also if that is many small
# processes and the judge the largest one (0.4 GiB).
_SHELL = (
    "ulimit -c 0; ulimit -S -t $1; ulimit -H -t $2; ulimit -f $3; [ $4 = none ] || ulimit -v $4 2>/dev/null; "
    '{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null; shift 4; exec "$@"'
)
_BLOCK = 512  # bytes: the unit of `ulimit -f` in POSIX


class PlainRunning:
    """A child process and its group, as a base.Running."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """process: started in a session of its own, its stderr a pipe, or its stdout with stderr in it."""
        output = process.stderr or process.stdout
        assert output is not None
        self.output: IO[bytes] = output
        self._process = process

    @property
    def pid(self) -> int:
        """Number of the process and of its group."""
        return self._process.pid

    def ended(self) -> bool:
        """See Running."""
        if self._process.returncode is not None:
            return True
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return self._process.poll() is not None
        with contextlib.suppress(ChildProcessError):  # reaped in this moment, by a `wait` in another thread
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return True

    def wait(self, timeout: float | None = None) -> int:
        """See Running."""
        return self._process.wait(timeout)

    def kill(self) -> None:
        """See Running. What has left the process group is not found."""
        # Only while the leader is unreaped: after that its number may belong to somebody else.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def cpu_seconds(self) -> float:
        """See Running."""
        return process_tree.cpu_seconds(self._process.pid)

    def ran_out_of_memory(self) -> bool:
        """See Running: unknown here. An allocation beyond the limit fails, and what comes of that is the command's."""
        return False


class PlainProcess:
    """The box named "none"."""

    name = "none"

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
    ) -> PlainRunning:
        """See Sandbox."""
        memory = "none" if limits.address_bytes is None else limits.address_bytes // 1024
        values = (limits.cpu_seconds, limits.cpu_seconds + CPU_GRACE, limits.file_bytes // _BLOCK, memory)
        return PlainRunning(start(["/bin/sh", "-c", _SHELL, "box", *map(str, values), *command], cwd, env, channel))


def start(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    channel: socket.socket | None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """A process whose stdin, stdout and stderr are as Sandbox.spawn says, in a session of its own.

    So the whole group can be ended, and no signal of the terminal's, nor of the group's, reaches anybody else.
    """
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL if channel is None else channel.fileno(),
        stdout=subprocess.PIPE if channel is None else channel.fileno(),
        stderr=subprocess.STDOUT if channel is None else subprocess.PIPE,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
    )
