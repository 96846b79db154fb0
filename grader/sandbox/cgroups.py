"""A control group for a box: memory and tasks limited for all of it together, and ended together, whoever fled where.

rlimits hold for each process by itself: sixty-four of them have sixty-four times the memory. And a process group or a
session is left with one call (setsid), a control group never. Version 1 (memory, pids and cpuacct by themselves) and
version 2 (one tree), by Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the kernel.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError
from grader.sandbox.base import Limits
from grader.sandbox.process_tree import start_time

# Threads count as processes do (pids.max). Room for them: OpenMP and CUDA start some for each core, a submission its
# own, and bubblewrap is three processes. A worker can start this many threads and no more, which does not hurt: their
# stacks come out of its limited memory, and their CPU time is counted together.
_THREADS = 256
_THREADS_PER_CORE = 2
_OPTIONAL = ("memory.memsw.limit_in_bytes", "memory.swap.max", "memory.oom.group")  # not where swap is not counted
_REMOVAL = 2.0  # seconds for a killed group to become empty; measured 1 to 15 ms, with 2,000 processes in it 0.2 s
_NAME = re.compile(r"grader-(\d+)-(\d+)-(\d+)-\d+")  # PID namespace, owner, when the owner was started
_REMEDY = "run the grader as root, or by `systemd-run --user --scope` where systemd lends users a part of the tree"


class Cgroup:
    """One box's group. Nothing in it can leave it: no box is shown a file through which one could."""

    def __init__(self, place: _Place, name: str) -> None:
        self._place = place
        self._name = name
        self._folders = [parent / name for parent in place.parents()]
        self._pids = place.pids / name
        self._memory = place.memory / name
        self._cpu = place.cpu / name
        self._last_cpu = 0.0
        self.joins = [folder / "cgroup.procs" for folder in self._folders]  # write "0" to each to be in it

    def make(self, limits: Limits) -> Cgroup:
        """Make it, empty. Raises GraderError."""
        try:
            for folder in self._folders:
                folder.mkdir()
            for parent, file, value in self._place.settings(limits):
                if file not in _OPTIONAL or (parent / self._name / file).exists():
                    _write(parent / self._name / file, value)
        except OSError as error:
            self.close()
            raise GraderError(f"The control group {self._memory} could not be made: {error}.") from None
        return self

    def cpu_seconds(self) -> float:
        """CPU time of all that was ever in it, in seconds; also of what has ended, and after `close`."""
        with contextlib.suppress(OSError):  # closed
            self._last_cpu = _read_cpu(self._cpu, unified=self._place.unified)
        return self._last_cpu

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel ended a process of it because its memory was used up. Ask before `close`."""
        file = "memory.events" if self._place.unified else "memory.oom_control"
        try:
            return int(_fields(self._memory / file).get("oom_kill", 0)) > 0
        except OSError:
            return False

    def kill(self) -> None:
        """End every process in it, wherever it has fled to; harmless when there is none. Nothing new starts in it."""
        with contextlib.suppress(OSError):  # closed; and then there is nobody
            # First of all no more forks. Else a fork bomb is one step ahead of a loop that kills what it has listed.
            _write(self._pids / "pids.max", "0")
        if self._place.unified:
            with contextlib.suppress(OSError):  # since Linux 5.14
                _write(self._pids / "cgroup.kill", "1")
                return
        end = time.monotonic() + _REMOVAL
        while self._kill_listed() and time.monotonic() < end:
            time.sleep(0.001)

    def close(self) -> None:
        """End what is left in it and remove it; what cannot be removed in time is left for a later run's `tidy`."""
        self.cpu_seconds()
        self.kill()
        end = time.monotonic() + _REMOVAL
        for folder in self._folders:
            _remove(folder, end)

    def _kill_listed(self) -> bool:
        """Kill each process that the group lists; False: none is listed."""
        any_listed = False
        for folder in self._folders:  # all: whoever is stopped half-way through joining is in the first one only
            with contextlib.suppress(OSError):  # closed
                for number in _listed(folder):
                    _kill_member(number, functools.partial(_listed, folder))
                    any_listed = True
        return any_listed


def open_cgroup(limits: Limits) -> Cgroup | None:
    """A new group with these limits, empty; None where this user may not make any (see `unavailable`).

    Raises GraderError where groups can be made, and this one could not be.
    """
    place = _place()
    return None if isinstance(place, str) else Cgroup(place, new_name()).make(limits)


def most_memory(limits: Limits) -> int:
    """Bytes of memory that all of a box may use together: what one process may, and `scratch`, whose files count.

    Swap is not lent.
    """
    return limits.memory_bytes + limits.scratch_bytes


def most_tasks(limits: Limits) -> int:
    """Processes and threads that all of a box may have together."""
    return limits.processes + _THREADS + _THREADS_PER_CORE * (os.cpu_count() or 1)


def cpu_seconds_around(pid: int) -> float | None:
    """CPU time of the whole group that `pid` is in, an engine's for one container; None where it cannot be seen."""
    try:
        paths, mounts = _paths(Path(f"/proc/{pid}/cgroup").read_text()), Path("/proc/self/mountinfo").read_text()
        controller = "cpuacct" if "cpuacct" in paths else ""
        folder = _own_folder(paths.get(controller), controller, mounts)
        return None if folder is None else _read_cpu(folder, unified=not controller)
    except OSError:  # it has ended
        return None


def unavailable() -> str | None:
    """Why this user can make no control groups here, and what would help; None where they can be made."""
    place = _place()
    return place if isinstance(place, str) else None


@dataclass(frozen=True)
class _Place:
    """The folders in which a box's group is made; for version 2 they are one and the same."""

    unified: bool  # version 2
    memory: Path
    pids: Path
    cpu: Path

    def parents(self) -> list[Path]:
        return list(dict.fromkeys((self.memory, self.pids, self.cpu)))

    def settings(self, limits: Limits) -> list[tuple[Path, str, str]]:
        """(folder with the group, file in the group, value), in the order in which they must be written."""
        found = [(self.pids, "pids.max", str(most_tasks(limits)))]
        memory = str(most_memory(limits))
        if not self.unified:
            found.append((self.memory, "memory.limit_in_bytes", memory))
            found.append((self.memory, "memory.memsw.limit_in_bytes", memory))  # memory and swap
            return found
        # oom.group: a build that has lost one of its processes cannot go on; waiting for its end only costs time.
        return [
            *found,
            (self.memory, "memory.max", memory),
            (self.memory, "memory.swap.max", "0"),
            (self.memory, "memory.oom.group", "1"),
        ]


@functools.cache  # a process of ours stays where it is, and looking costs 1 ms
def _place() -> _Place | str:
    """Where groups can be made, tried out; or why they cannot. Tidies up what crashed runs have left there."""
    try:
        own, mounts = Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text()
    except OSError:
        return "control groups need Linux with a /proc"
    place = find_place(own, mounts)
    if isinstance(place, str):
        return place
    tidy(place)
    try:
        Cgroup(place, new_name()).make(Limits(64 << 20, 1, 0, 1, 0)).close()
    except GraderError as error:
        return f"{str(error).removesuffix('.')}; {_REMEDY}"
    return place


def find_place(own: str, mounts: str) -> _Place | str:
    """The place for groups by the texts of /proc/self/cgroup and /proc/self/mountinfo; or why there is none."""
    paths = _paths(own)
    if "memory" in paths:
        found = [_own_folder(paths.get(name), name, mounts) for name in ("memory", "pids", "cpuacct")]
        for name, folder in zip(("memory", "pids", "cpuacct"), found, strict=True):
            if folder is None:
                return f"the cgroup controller {name} is not mounted here"
            if not os.access(folder, os.W_OK):
                return f"this user may not make control groups in {folder}; {_REMEDY}"
        memory, pids, cpu = (folder for folder in found if folder is not None)
        return _Place(False, memory, pids, cpu)
    folder = _own_folder(paths.get(""), "", mounts)
    if folder is None:
        return "no control groups are mounted here (/sys/fs/cgroup)"
    top = _mounts(mounts)[""][0]
    for candidate in (folder, *folder.parents):
        if _lends(candidate):
            return _Place(True, candidate, candidate, candidate)
        if candidate == top:
            break
    return f"this user may not make control groups with limits in {folder} or above it; {_REMEDY}"


def _paths(own: str) -> dict[str, str]:
    """Controller -> group, by the text of a process's cgroup file; "" is version 2."""
    lines = (line.split(":", 2) for line in own.splitlines())
    return {controller: path for _, names, path in lines for controller in names.split(",")}


def _lends(folder: Path) -> bool:
    """Whether groups with limits can be made in this folder of version 2.

    "No internal process constraint": a group with processes of its own, like the one that we are in, cannot lend limits
    to others (EBUSY). Only the tree's root can. So a box's group mostly lies beside ours: in the nearest group above us
    that this user may write to. A process is moved by writing to the file of a common ancestor that one may write to,
    which is this folder as well.
    """
    if not all(os.access(path, os.W_OK) for path in (folder, folder / "cgroup.procs")):
        return False
    try:
        missing = {"memory", "pids"} - set((folder / "cgroup.subtree_control").read_text().split())
        if missing:
            _write(folder / "cgroup.subtree_control", " ".join(f"+{name}" for name in sorted(missing)))
    except OSError:  # EBUSY: see above; ENOENT: not lent to this group itself; EACCES
        return False
    return True


def _own_folder(path: str | None, controller: str, mounts: str) -> Path | None:
    """Where the group that is called `path` lies among the files; None where it is not to be seen."""
    mounted = _mounts(mounts).get(controller)
    if path is None or mounted is None:
        return None
    point, root = mounted
    if root != "/":  # a container that is shown a part of the tree only
        if not (path == root or path.startswith(root + "/")):
            return None
        path = path[len(root) :]
    return None if path.startswith("/..") else point / path.lstrip("/")  # /..: outside of this cgroup namespace


def _mounts(mounts: str) -> dict[str, tuple[Path, str]]:
    """Controller -> (where it is mounted, its root there), by proc(5)'s mountinfo; "" is version 2."""
    found: dict[str, tuple[Path, str]] = {}
    for line in mounts.splitlines():
        mount, _, system = line.partition(" - ")
        kind, _, options = system.split(" ", 2)
        root, point = (re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), part) for part in mount.split()[3:5])
        for name in {"cgroup": options.split(","), "cgroup2": [""]}.get(kind, []):
            found[name] = (Path(point), root)
    return found


def tidy(place: _Place) -> None:
    """End and remove the groups of owners that are gone: a judge that was killed could not do it itself."""
    for name in {folder.name for parent in place.parents() for folder in parent.glob("grader-*")}:
        if owner_is_gone(name):
            Cgroup(place, name).close()


_counter = itertools.count()


def new_name() -> str:
    """A name for something of this process's that outlives it when it is killed."""
    return f"grader-{_namespace()}-{os.getpid()}-{start_time(os.getpid()) or 0}-{next(_counter)}"


def owner_is_gone(name: str) -> bool:
    """Whether `name` is one of `new_name`'s, of a process that has ended."""
    named = _NAME.fullmatch(name)
    if named is None or int(named[1]) != _namespace():  # another namespace's numbers mean nothing here
        return False
    return start_time(int(named[2])) != int(named[3])


def _namespace() -> int:
    """The number of this PID namespace: containers may share a cgroup tree, and have numbers of their own."""
    return os.stat("/proc/self/ns/pid").st_ino


def _kill_member(number: int, members: Callable[[], list[int]]) -> None:
    """SIGKILL for `number` if it is of the group, and surely for nobody who was given that number a moment ago."""
    with contextlib.suppress(OSError):  # it has ended
        if not hasattr(os, "pidfd_open"):  # a Python that was built on headers before Linux 5.3
            os.kill(number, signal.SIGKILL)
            return
        handle = os.pidfd_open(number)
        try:
            # Listed now: then the handle is of this member, or of one that has ended, and the signal goes nowhere.
            if number in members():
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _read_cpu(folder: Path, *, unified: bool) -> float:
    if unified:
        return int(_fields(folder / "cpu.stat")["usage_usec"]) / 1e6
    return int((folder / "cpuacct.usage").read_text()) / 1e9


def _listed(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "cgroup.procs").read_text().split()]


def _remove(folder: Path, end: float) -> None:
    """rmdir, again and again as long as a killed process is on its way out (EBUSY), until `end`."""
    pause = 0.0005
    while True:
        try:
            os.rmdir(folder)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > end:
                return
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def _fields(file: Path) -> dict[str, str]:
    """A "flat keyed" file: a name and a value a line."""
    return dict(line.split(maxsplit=1) for line in file.read_text().splitlines() if " " in line)


def _write(file: Path, value: str) -> None:
    """Write to an existing file; never make one, which cgroupfs does not allow either."""
    handle = os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    try:
        os.write(handle, value.encode())
    finally:
        os.close(handle)
