"""CPU time of a process tree, watched from outside (grader/sandbox/process_tree.py)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.sandbox.process_tree import cpu_seconds, start_time

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")

BURNT = 0.2  # seconds of CPU time that each way uses in one place; all else in such a program is far less
PROGRAM = f"""
import os, sys, threading, time
def burn():
    while time.thread_time() < {BURNT}:
        pass
def fork(then=lambda: None):
    pid = os.fork()
    if pid == 0:
        burn()
        then()
        os._exit(0)
    return pid
def tell():
    print(flush=True)
    sys.stdin.read()
"""
WAYS = {  # how CPU time is used, and in how many places
    "by itself": ("burn(); tell()", 1),
    "in a thread": ("t = threading.Thread(target=burn); t.start(); t.join(); tell()", 1),
    "in a child that was waited for": ("os.waitpid(fork(), 0); tell()", 1),
    "in a child that lives": ("os.waitpid(fork(tell), 0)", 1),
    "in a child's child": ("os.waitpid(fork(lambda: os.waitpid(fork(tell), 0)), 0)", 2),
    "in a thread's child": ("threading.Thread(target=lambda: os.waitpid(fork(tell), 0)).start()", 1),
}


@needs_proc
@pytest.mark.parametrize("way", WAYS)
def test_cpu_time_of_a_tree(way: str) -> None:
    """CPU time counts wherever below a process it is used, and only once."""
    code, places = WAYS[way]
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", PROGRAM + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        used = cpu_seconds(process.pid)
        process.stdin.close()
    # Two ticks less: utime and stime are each rounded down. As much again at most: Python's start, on a busy machine.
    assert places * BURNT - 0.02 <= used < places * BURNT + BURNT


def stat(pid: int, parent: int, *times: int, start: int = 7) -> str:
    """A line of /proc/PID/stat; times: utime, stime, cutime, cstime in ticks."""
    fields = ["S", parent, *[0] * 9, *times, 20, 0, 1, 0, start, 0]
    return f"{pid} (a) b (c) " + " ".join(map(str, fields))


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc without lists of children, as some kernels have it: 5 is the parent of 6, and 6 of 7; 8 is nobody's."""
    for pid, parent, ticks in ((5, 1, 100), (6, 5, 20), (7, 6, 3), (8, 1, 4000)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(stat(pid, parent, ticks, 2 * ticks, 3 * ticks, 4 * ticks))
    (tmp_path / "meminfo").touch()
    return tmp_path


def test_without_lists_of_children(proc: Path) -> None:
    """Where the kernel lists no children, all processes are looked through; all four times are added."""
    assert cpu_seconds(5, proc) == pytest.approx(10 * 123 / os.sysconf("SC_CLK_TCK"))


def test_a_process_that_vanishes(proc: Path) -> None:
    """A child that has gone since it was listed is left out."""
    (proc / "6" / "stat").unlink()
    assert cpu_seconds(5, proc) == pytest.approx(10 * 100 / os.sysconf("SC_CLK_TCK"))


def test_lists_of_children(proc: Path) -> None:
    """Each thread's list is read; numbers in it that nobody has any more, and one that comes twice, do not matter."""
    for thread, children in (("5", "6 99 "), ("15", "8 6 ")):
        (proc / "5" / "task" / thread).mkdir(parents=True)
        (proc / "5" / "task" / thread / "children").write_text(children)
    assert cpu_seconds(5, proc) == pytest.approx(10 * 4120 / os.sysconf("SC_CLK_TCK"))


def test_nothing_to_see(tmp_path: Path) -> None:
    """No such process, or no /proc at all, is no CPU time."""
    assert cpu_seconds(5, tmp_path) == cpu_seconds(5, tmp_path / "proc") == 0.0


def test_start_time(proc: Path) -> None:
    """The start is told of a process that is there, and of no other."""
    assert (start_time(5, proc), start_time(4, proc)) == (7, None)
