"""What the kinds with a real box have in common: a process that the launcher prepares, and how it is watched and ended.

The kind itself says what is to be shown and how (bubblewrap.py, landlock.py); limits, user and control group are the
same for all.
"""

from __future__ import annotations

import contextlib
import json
import marshal
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from grader.errors import GraderError
from grader.sandbox import launch, process_tree
from grader.sandbox.base import CPU_GRACE, Limits
from grader.sandbox.cgroups import Cgroup, most_tasks, open_cgroup
from grader.sandbox.none import start

# Seconds for the kernel to end what was killed. It takes 1 ms, with gigabytes to free some 100; but a process that
# waits for a slow disk (fsync of what a build wrote) ends only after that, and it must not look like our fault.
_GONE = 60.0
_FILES = 1024  # open files of one process; each may be a pipe with 64 KiB in the kernel


@dataclass(frozen=True)
class Spec:
    """What the launcher does before it becomes the command, in this order."""

    command: Sequence[str]  # the first one an absolute path
    env: Mapping[str, str]
    cwd: Path
    limits: Limits
    # Folders that the box's user could not enter, each with the paths below it that are needed all the same; see
    # mounts.uncover and closed_folders.
    uncover: Sequence[tuple[str, Sequence[str]]] = ()
    memory: tuple[str, int] | None = None  # a folder in whose place a new one in memory is to be, and its size in bytes
    user: int | None = None  # number to become, of user and group
    count_processes: bool = False  # whether RLIMIT_NPROC is set: only where no other process has this user's number
    landlock: Sequence[tuple[str, int]] | None = None  # see confine.restrict_files
    seccomp: bytes | None = None  # see confine.filter_calls; bubblewrap takes the filter by itself
    dies_with_us: bool = False  # see confine.die_with; bubblewrap has an option for it


class BoxRunning:
    """A command in a box, as a base.Running."""

    def __init__(self, process: subprocess.Popen[bytes], status: int, cgroup: Cgroup | None, *, reports: bool) -> None:
        """status: where the launcher, and after it bubblewrap if it `reports`, tell what became of the box."""
        output = process.stderr or process.stdout
        assert output is not None
        self.output: IO[bytes] = output
        self._process = process
        self._status = open(status, "rb", buffering=0)  # noqa: SIM115  # closed when the box is reaped
        self._cgroup = cgroup
        self._reports = reports
        self._told = ""
        self._killed = False  # by us, and not after its own end: what is missing from its report means nothing
        self._out_of_memory = False
        self._result: int | None = None

    @property
    def pid(self) -> int:
        """Number of the box's outermost process."""
        return self._process.pid

    def ended(self) -> bool:
        """See Running."""
        if self._process.returncode is not None:
            return True
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # reaped in this moment, by a `wait` in another thread
            return True

    def kill(self) -> None:
        """See Running. Nothing escapes: not from the control group, nor from the PID namespace, whose init dies."""
        if self._process.returncode is not None:
            return
        self._killed = self._killed or not self.ended()
        if self._cgroup is not None:
            self._out_of_memory = self.ran_out_of_memory()
            self._cgroup.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """See Running. When it returns nothing of the box runs any more."""
        if self._result is None:
            status = self._process.wait(timeout)
            self._out_of_memory = self.ran_out_of_memory()
            self._tidy_up()
            self._result = self._translated(status)
        return self._result

    def cpu_seconds(self) -> float:
        """See Running."""
        if self._cgroup is not None:
            return self._cgroup.cpu_seconds()
        return process_tree.cpu_seconds(self._process.pid)

    def ran_out_of_memory(self) -> bool:
        """See Running."""
        return self._out_of_memory or (self._cgroup is not None and self._cgroup.ran_out_of_memory())

    def _tidy_up(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._read_status()
        init = self._report().get("child-pid")
        if isinstance(init, int):
            _end_init(init)
        if self._cgroup is not None:
            self._cgroup.close()

    def _read_status(self) -> None:
        # Its only writers were the launcher and bubblewrap's outermost process, which has just ended.
        with self._status:
            os.set_blocking(self._status.fileno(), False)
            while part := self._status.read(1 << 16):
                self._told += part.decode("utf-8", "replace")

    def _report(self) -> dict[str, Any]:
        """bubblewrap's (bwrap(1), --json-status-fd): child-pid, and exit-code if the command was really started."""
        found: dict[str, Any] = {}
        if self._reports and self._told.startswith(launch.READY):
            for line in self._told.removeprefix(launch.READY).splitlines():
                if line.startswith("{"):
                    found |= json.loads(line)
        return found

    def _translated(self, status: int) -> int:
        """The command's status from the outermost process's. Raises GraderError where it was never started."""
        ready, failed, reason = self._told.partition(launch.FAILED)
        if failed:
            raise GraderError(f"A box could not be made: {reason}.")
        code = self._report().get("exit-code") if self._reports else status
        if isinstance(code, int) and ready:
            # bwrap says 128 + n for signal n. An exit with such a status looks the same, which costs nobody anything.
            return 128 - code if self._reports and 128 < code < 128 + signal.NSIG else code
        # 128 + SIGKILL without a report: bubblewrap's own processes were killed while the box was started, by whoever
        # needed memory. That is as if the command had been.
        if self._killed or status < 0 or (self._reports and status == 128 + signal.SIGKILL):
            return status if status < 0 else -signal.SIGKILL
        raise GraderError(f"A box could not be made: its first program ended with status {status}.")


class StatusPipe:
    """Where the launcher, and after it bubblewrap, tell what becomes of a box."""

    def __init__(self) -> None:
        read_end, self.write_end = os.pipe()
        self.read_end: int | None = read_end

    def take(self) -> int:
        """The end to read from, which is the caller's to close now."""
        assert self.read_end is not None
        read_end, self.read_end = self.read_end, None
        return read_end

    def close(self) -> None:
        """Let go of what was not taken."""
        os.close(self.write_end)
        if self.read_end is not None:
            os.close(self.read_end)


def spawn(
    spec: Spec, channel: socket.socket | None, status: StatusPipe, *, reports: bool = False, files: Sequence[int] = ()
) -> BoxRunning:
    """Start the launcher with the spec.

    reports: the command is bubblewrap and goes on with the status pipe (--json-status-fd). files: further descriptors
    that the command inherits, under the same numbers. Raises GraderError.
    """
    cgroup = open_cgroup(spec.limits)
    paper = os.memfd_create("spec")
    try:
        with os.fdopen(os.dup(paper), "wb") as stream:
            marshal.dump(for_launcher(spec, cgroup, status.write_end, kept=reports), stream)
        os.lseek(paper, 0, os.SEEK_SET)
        here = str(Path(launch.__file__).parent)
        boot = f"import sys; sys.path.append({here!r}); import launch; launch.main({paper})"
        python = [os.path.realpath(sys._base_executable), "-I", "-S", "-E", "-c", boot]  # type: ignore[attr-defined]
        process = start(python, Path("/"), {}, channel, [paper, status.write_end, *files])
    except BaseException:
        if cgroup is not None:
            cgroup.close()
        raise
    finally:
        os.close(paper)
    return BoxRunning(process, status.take(), cgroup, reports=reports)


def for_launcher(spec: Spec, cgroup: Cgroup | None, status: int, *, kept: bool) -> dict[str, Any]:
    """The spec in the form that the launcher reads: nothing but dicts, lists, strings, numbers and bytes.

    status: the descriptor that it tells on; kept: whether the command goes on with it.
    """
    return {
        "doing": "starting",
        "status": status,
        "status_kept": kept,
        "joins": [] if cgroup is None else [str(path) for path in cgroup.joins],
        "uncover": [(folder, list(below)) for folder, below in spec.uncover],
        "memory": spec.memory,
        "limits": rlimits(spec.limits, count_processes=spec.count_processes),
        "user": spec.user,
        "landlock": None if spec.landlock is None else [(path, rights) for path, rights in spec.landlock],
        "seccomp": spec.seccomp,
        "dies_with": os.getpid() if spec.dies_with_us else None,
        "cwd": str(spec.cwd),
        "command": list(spec.command),
        "env": dict(spec.env),
    }


def rlimits(limits: Limits, *, count_processes: bool) -> list[tuple[int, int, int]]:
    """(resource, soft limit, hard limit); they hold for each process, but for RLIMIT_NPROC."""
    import resource  # not on Windows, where doctor imports this package

    both = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, _FILES),
    ]
    if sys.platform == "linux":
        both.append((resource.RLIMIT_MSGQUEUE, 0))  # message queues lie in the kernel's memory
    if limits.address_bytes is not None:
        both.append((resource.RLIMIT_AS, limits.address_bytes))
    if count_processes:
        both.append((resource.RLIMIT_NPROC, most_tasks(limits)))
    cpu = (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + CPU_GRACE)
    return [cpu, *((which, value, value) for which, value in both)]


def _end_init(init: int) -> None:
    """End the first process of a PID namespace, and wait for it: the kernel lets it go after all others.

    Its parent has ended, and it should die with that (PR_SET_PDEATHSIG). It does not where the parent was killed before
    it had asked for that, nor where a submission got hold of it and took it back. Raises GraderError.
    """
    try:
        handle = os.pidfd_open(init)
    except ProcessLookupError:
        return
    try:
        if not _is_init(init):  # it has ended just now, and its number is somebody else's
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        poll = select.poll()
        poll.register(handle, select.POLLIN)  # readable: it has ended
        if not poll.poll(_GONE * 1000):
            raise GraderError(f"The box's process {init} did not end within {_GONE:g} s after it was killed.")
    finally:
        os.close(handle)


def _is_init(pid: int) -> bool:
    """Whether that is the first process of a PID namespace below ours (proc(5), NSpid of /proc/PID/status)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    numbers = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return len(numbers) > 1 and numbers[-1] == "1"


def has_ended_within(running: BoxRunning, seconds: float) -> bool:
    """Whether the box ends by itself in time; it stays unreaped."""
    end = time.monotonic() + seconds
    while not running.ended():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


# --- for a box of another user ---


def closed_folders(paths: Iterable[Path]) -> list[tuple[str, list[str]]]:
    """For Spec.uncover: folders above `paths` that another user could not enter, with the paths below each."""
    found: dict[str, dict[str, None]] = {}
    for path in sorted((Path(os.path.realpath(path)) for path in paths), key=lambda path: len(path.parts)):
        for parent in reversed(path.parents):
            if not parent.stat().st_mode & stat.S_IXOTH:
                found.setdefault(str(parent), {})[str(path)] = None
                break
    return [(folder, list(below)) for folder, below in found.items()]


def check_modes(paths: Iterable[Path]) -> None:
    """Raise GraderError where the box's user could not read one of these, which are to be shown."""
    for path in paths:
        mode = path.stat().st_mode
        needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
        if mode & needed != needed:
            raise GraderError(
                f"{path} has mode {stat.S_IMODE(mode):04o}, so the user of a box could not read it; "
                f"run `chmod -R o+rX {path}`."
            )


def give(folder: Path, user: int) -> None:
    """Make `folder` and all in it belong to `user`. An earlier box may have filled it: no link is followed."""
    os.chown(folder, user, user, follow_symlinks=False)
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            os.chown(os.path.join(parent, name), user, user, follow_symlinks=False)
