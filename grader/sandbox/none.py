"""No box: a plain child process with resource limits, a clean environment and a process group of its own.

It keeps an honest submission's accidents (a crash, a hang, a flood of memory) from hurting the run. It does not keep a
hostile one from reading the user's files.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from grader.sandbox.base import Limits

# The limits are set by a shell that then becomes the command. Popen's preexec_fn would run Python code between fork and
# exec of a process with threads (the judge has PyTorch's), which can deadlock. ulimit sets the hard limit as well, so
# the command cannot raise it again. macOS knows no limit on address space: there the message is dropped. Where memory
# runs out, of the machine or of a container, Linux is to kill what a submission started, also if that is many small
# processes and the judge the largest one (0.4 GiB).
_SHELL = (
    "ulimit -c 0; ulimit -t $1; ulimit -f $2; [ $3 = none ] || ulimit -v $3 2>/dev/null; "
    '{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null; shift 3; exec "$@"'
)
_BLOCK = 512  # bytes: the unit of `ulimit -f` in POSIX


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
        env: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        output: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        memory = "none" if limits.memory_bytes is None else str(limits.memory_bytes // 1024)
        shell = ["/bin/sh", "-c", _SHELL, "box", str(limits.cpu_seconds), str(limits.file_bytes // _BLOCK), memory]
        return subprocess.Popen(
            [*shell, *command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output != subprocess.DEVNULL else subprocess.DEVNULL,
            pass_fds=tuple(pass_fds),
            start_new_session=True,  # so that the whole group can be ended, and no signal of its reaches ours
        )
