"""CPU time of a process and of everything that it started, watched from outside, where no cgroup tells it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_PROC = Path("/proc")


def cpu_seconds(pid: int, proc: Path = _PROC) -> float:
    """User and system time of `pid` and of all processes below it, ended children included; 0.0 without a /proc.

    proc(5), /proc/PID/stat: utime, stime, and cutime, cstime of children that were waited for, in clock ticks, all
    threads of the process. A parent is read before its children: one that is reaped meanwhile is missed until the next
    look, and never counted twice. Two ways lead out of this sum, which is why the box's cgroup is asked where there is
    one: a child that outlives its parent belongs to another tree then, and the kernel drops the times of children whose
    parent ignores SIGCHLD (times(2)).
    """
    ticks, seen, to_see = 0, set[int](), [pid]
    children: Callable[[int], list[int]] | None = None
    while to_see:
        number = to_see.pop()
        fields = _stat(proc, number)
        if fields is None or number in seen:  # it vanished; a number that was given away anew while we look
            continue
        seen.add(number)
        ticks += sum(int(field) for field in fields[11:15])
        children = children or _lister(proc, number)
        to_see += children(number)
    return ticks / os.sysconf("SC_CLK_TCK")


def start_time(pid: int, proc: Path = _PROC) -> int | None:
    """When `pid` was started, in clock ticks since boot: with it, a number names one process. None: no such process."""
    fields = _stat(proc, pid)
    return None if fields is None else int(fields[19])


def _stat(proc: Path, pid: int) -> list[bytes] | None:
    """The fields of stat from the third on, "state"; None when the process is not there (any more)."""
    try:
        text = (proc / str(pid) / "stat").read_bytes()
    except OSError:  # no such file; ESRCH: it ended between open and read; no /proc (macOS)
        return None
    return text.rpartition(b")")[2].split()  # the name, in parentheses, may hold blanks and parentheses


def _lister(proc: Path, pid: int) -> Callable[[int], list[int]]:
    """How to find children here: by the kernel's own list (CONFIG_PROC_CHILDREN), else by a look at every process."""
    if (proc / str(pid) / "task" / str(pid) / "children").exists():
        return lambda parent: _listed_children(proc, parent)
    everyone = _by_parent(proc)
    return lambda parent: everyone.get(parent, [])


def _listed_children(proc: Path, pid: int) -> list[int]:
    found: list[int] = []
    try:
        threads = os.listdir(proc / str(pid) / "task")  # each thread has the children that it made itself
    except OSError:
        return found
    for thread in threads:
        try:
            found += map(int, (proc / str(pid) / "task" / thread / "children").read_bytes().split())
        except OSError:
            continue  # the thread ended; its children have gone to another one, and are found at the next look
    return found


def _by_parent(proc: Path) -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for name in os.listdir(proc):
        if name.isdigit() and (fields := _stat(proc, int(name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(name))
    return children
