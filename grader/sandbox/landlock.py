"""The box named "landlock": where namespaces are refused, as in most containers, a process boxes itself.

Landlock closes all files but those that the box shows, seccomp the system calls that lead out, and limits hold each
process down. It needs no privilege, and Linux 5.13 or later. Where the grader is root the box is another user's, with
mounts of its own by which that user reaches what root's folders enclose; its `scratch` is memory then.

What bubblewrap does and this does not, because there are no namespaces:

- Files that are closed are still there: `stat` tells whether a name exists, its size and its time. Folders that are
  shown less some of their contents can be listed in full.
- Processes are still there: their numbers can be guessed, though nothing can be read of them (/proc is closed, unless a
  GPU is needed: then whatever `ps` shows can be read) and no signal sent.
- As an ordinary user, `scratch` is on the machine's disk. While somebody waits for the box it is looked at four times a
  second, and the box is ended when it holds too much; what is written between two looks, and files that are open and
  have no name any more, are bounded by the limit on a file alone. In a container, bound its /tmp. Memory is bounded for
  each process, not for the box, where no control group can be made; a worker is one process, though.
- A judge that is killed takes the box's first process along, and with it a worker as a whole. What a build has started
  besides goes on until its CPU time is used up, or until a later run ends its control group.
- As an ordinary user, a build may change modes and times of the user's files, and before Linux 6.12 signal the user's
  processes. Only compilers run in a build, and nothing that they compile.

Older kernels hold back less, which seccomp makes up for in a worker: before 6.2 truncating by name (refused), before
6.7 TCP (no sockets), before 6.12 signals (to itself only) and abstract sockets (no sockets).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from grader.errors import GraderError
from grader.sandbox import boxed, confine, disk, seccomp
from grader.sandbox.base import Limits
from grader.sandbox.trial import try_box
from grader.sandbox.uids import is_root, unused_uid
from grader.sandbox.view import View, interpreter, view

_DEVICES = ("null", "zero", "random", "urandom")  # of /dev; no tty
# The CUDA driver looks for cards and their drivers there. Landlock keeps memory, environment and files of other
# processes closed all the same, as it lets nobody trace them.
_FOR_CUDA = ("/proc", "/sys")
# What root needs to make a box another user's, to mount, to end it and to remove what it left (linux/capability.h).
_CAPABILITIES = {"CHOWN": 0, "DAC_OVERRIDE": 1, "KILL": 5, "SETGID": 6, "SETUID": 7, "SYS_ADMIN": 21}
_LOOK = 0.25  # seconds between two looks at what was written
_POLL = 0.002  # seconds between two looks
_GONE = 60.0  # seconds for the kernel to end what was killed, see boxed.py
_PT_INTERP = 3  # elf.h


class Landlock:
    """The box named "landlock"."""

    name = "landlock"

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
    ) -> LandlockRunning:
        """See Sandbox."""
        shown = view(readable)
        own = [path.resolve() for path in (*writable, scratch)]
        user = unused_uid() if is_root() else None
        if user is not None:
            for path in own:
                boxed.give(path, user)
            boxed.check_modes(shown.shown)
        spec = boxed.Spec(
            command=command,
            env=env,
            cwd=cwd,
            limits=limits,
            uncover=boxed.closed_folders([*shown.shown, *own]) if user is not None else (),
            memory=(str(own[-1]), limits.scratch_bytes) if user is not None else None,
            user=user,
            count_processes=user is not None,
            landlock=rules(shown, own, limits),
            seccomp=seccomp.program(forks=limits.processes > 1, gpu=limits.gpu, shared=True),
            dies_with_us=True,
        )
        status = boxed.StatusPipe()
        watch = Watch(own[-1], limits.scratch_bytes) if user is None else None
        try:
            return LandlockRunning(boxed.spawn(spec, channel, status), alone=limits.processes == 1, watch=watch)
        finally:
            status.close()


class Watch:
    """Looks now and then whether a folder on disk holds too much."""

    def __init__(self, folder: Path, limit: int) -> None:
        """limit: bytes."""
        self._folder = folder
        self._limit = limit
        self._next = 0.0

    def says_stop(self) -> bool:
        """Whether it does; False where the last look was a moment ago."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _LOOK
        return disk.holds_more_than([self._folder], self._limit)


class LandlockRunning:
    """A command in such a box, as a base.Running. All that it starts stays in its session: seccomp refuses setsid."""

    def __init__(self, running: boxed.BoxRunning, *, alone: bool, watch: Watch | None) -> None:
        """alone: it can start no process, so that there is nothing to look for. watch: None where scratch is memory."""
        self.output: IO[bytes] = running.output
        self._running = running
        self._alone = alone
        self._watch = watch
        self._over = False

    @property
    def pid(self) -> int:
        """Number of the box's first process, and of its session."""
        return self._running.pid

    def ended(self) -> bool:
        """See Running."""
        return self._running.ended()

    def wait(self, timeout: float | None = None) -> int:
        """See Running. What the command left is ended before it is reaped, while the session's number is its own."""
        if not self._over:
            end = None if timeout is None else time.monotonic() + timeout
            while not self.ended():  # which leaves it unreaped
                if end is not None and time.monotonic() > end:
                    raise subprocess.TimeoutExpired("the command of a box", timeout or 0)
                time.sleep(_POLL)
            self._end_session()
            self._over = True
        return self._running.wait()

    def kill(self) -> None:
        """See Running. Not the process group alone: ninja gives every compiler one of its own."""
        self._running.kill()
        if not self._over:
            self._end_session()

    def cpu_seconds(self) -> float:
        """See Running. Whoever waits for a box asks again and again: the time to look at its scratch as well."""
        if self._watch is not None and self._watch.says_stop():
            self.kill()
        return self._running.cpu_seconds()

    def ran_out_of_memory(self) -> bool:
        """See Running."""
        return self._running.ran_out_of_memory()

    def _end_session(self) -> None:
        end = time.monotonic() + _GONE
        while not self._alone and (left := session(self.pid)):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > end:
                raise GraderError(f"Processes of a box did not end within {_GONE:g} s after they were killed: {left}.")
            time.sleep(_POLL)


def session(leader: int) -> list[int]:
    """Numbers of the living processes in that process's session, itself not among them; proc(5), /proc/PID/stat."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != leader:
            try:
                text = Path("/proc", name, "stat").read_bytes()
            except OSError:  # it ended just now
                continue
            state, _, _, number = text.rpartition(b")")[2].split()[:4]
            if int(number) == leader and state not in (b"Z", b"X"):
                found.append(int(name))
    return found


# -- what it may open -------------------------------------------------------------------------------------------------


def rules(what: View, own: Sequence[Path], limits: Limits) -> list[tuple[str, int]]:
    """Landlock's rules for a box that shows `what` and may write to `own`: (path, rights), see confine.restrict_files.

    A rule holds for all that is below a path, and nothing can be taken away again. So a folder with something hidden in
    it is opened entry by entry, and may as a whole be listed only. Worker: only Python can be started.
    """
    build = limits.processes > 1
    hidden = {os.path.realpath(path) for path in what.hidden}
    given: dict[str, int] = {}
    for path in what.shown:
        for name, rights in _around(os.path.realpath(path), frozenset(hidden)):
            given[name] = given.get(name, 0) | rights & (confine.RUN if build else confine.READ)
    if not build:
        for name in (interpreter(), _loader(interpreter())):
            given[name] = given.get(name, 0) | confine.RUN
    for folder in own:
        given[str(folder)] = confine.BUILD if build else confine.WRITE
    devices = [f"/dev/{name}" for name in _DEVICES]
    if limits.gpu:
        devices += map(str, Path("/dev").glob("nvidia*"))
        given |= dict.fromkeys(_FOR_CUDA, confine.READ)
    return [*given.items(), *((name, confine.DEVICE) for name in devices)]


@functools.cache
def _around(path: str, hidden: frozenset[str]) -> tuple[tuple[str, int], ...]:
    """What opens `path` but for what is hidden in it."""
    if path in hidden:
        return ()
    if not any(name.startswith(path + "/") for name in hidden):
        return ((path, confine.RUN),)
    found = [(path, confine.READ_DIR)]
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.is_symlink():  # it opens nothing itself, and what it leads to may be hidden
                found += _around(entry.path, hidden)
    return tuple(found)


@functools.cache
def _loader(program: str) -> str:
    """The dynamic loader that a program names for itself (elf(5), PT_INTERP), or the program where it names none."""
    with open(program, "rb") as file:
        start = file.read(64)
        if start[:5] != b"\x7fELF\x02":  # a script
            return program
        offset, size, count = (*struct.unpack_from("<Q", start, 32), *struct.unpack_from("<HH", start, 54))
        for number in range(count):
            file.seek(offset + number * size)
            kind, _, at, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == _PT_INTERP:
                file.seek(at)
                return os.path.realpath(file.read(length).rstrip(b"\0").decode())
    return program


# -- whether it works here --------------------------------------------------------------------------------------------


def unavailable() -> str | None:
    """Why there can be no such box here, and what would help; None where one was started and ended well."""
    if sys.platform != "linux":
        return "landlock needs Linux"
    if not seccomp.supported():
        return f"there is no seccomp filter for {os.uname().machine}"
    if confine.landlock_version() == 0:
        return _no_landlock()
    if is_root() and (lacking := lacking_capabilities(Path("/proc/self/status").read_text())):
        return f"root lacks {', '.join(lacking)} here; run as an ordinary user (in a container: --user 1000:1000)"
    try:
        return try_box(Landlock())
    except GraderError as error:
        return f"{str(error).removesuffix('.')}; run as an ordinary user, or allow this one to mount"


def lacking_capabilities(status: str) -> list[str]:
    """The capabilities that root needs for such a box and does not have, by the text of /proc/self/status."""
    words = (line.split() for line in status.splitlines())
    effective = next(int(value, 16) for name, value in (pair for pair in words if len(pair) == 2) if name == "CapEff:")
    return [f"CAP_{name}" for name, bit in _CAPABILITIES.items() if not effective >> bit & 1]


def _no_landlock() -> str:
    number = confine.landlock_error()
    if number == errno.EOPNOTSUPP:
        return "Landlock is switched off; add `landlock` to the kernel's option lsm="
    if number == errno.EPERM:
        return "the container's seccomp profile refuses Landlock; docker from 23.0 on lets it through"
    return "the kernel has no Landlock, or the container's seccomp profile hides it; Linux 5.13 and docker 23.0 have it"
