"""What a run has started is ended with it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from grader import children
from grader.children import Children, Stopped
from grader.sandbox import Limits, Running, open_sandbox

LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=60, file_bytes=1 << 20, processes=16, scratch_bytes=1 << 20)
# Says that it is up, then waits; an interrupt is answered with a word.
PATIENT = "import time\ntry:\n    print(1, flush=True)\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    print(2)"
DEAF = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint(1, flush=True)\ntime.sleep(600)"


def start_judge(run: Children, code: str) -> subprocess.Popen[bytes]:
    """A judge that runs `code`, when it is up."""
    restore = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"  # it may be ignored out here
    judge = run.judge([sys.executable, "-c", restore + code], stdout=subprocess.PIPE)
    assert judge.stdout is not None
    assert judge.stdout.readline() == b"1\n"
    return judge


def start_box(run: Children, folder: Path) -> Running:
    """A process in a box, with a child that would outlive it, when both are up."""
    return run.box(open_sandbox("none")).spawn(
        ["/bin/sh", "-c", "sleep 600 & echo $!; wait"],
        limits=LIMITS,
        cwd=folder,
        readable=[],
        writable=[],
        scratch=folder,
        env={"PATH": "/usr/bin:/bin"},
    )


def test_judge_is_asked_to_end() -> None:
    """A judge gets an interrupt, and with it the time to end its worker."""
    run = Children()
    judge = start_judge(run, PATIENT)
    run.stop()
    assert judge.communicate()[0] == b"2\n"


def test_deaf_judge_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that does not listen is killed after a grace."""
    monkeypatch.setattr(children, "_GRACE", 0.1)
    run = Children()
    judge = start_judge(run, DEAF)
    run.stop()
    assert judge.wait(timeout=60) == -9
    judge.communicate()


def test_box_is_killed_with_what_it_started(tmp_path: Path) -> None:
    """A compiler is killed at once, and with it the whole group: cc1plus is a grandchild."""
    run = Children()
    box = start_box(run, tmp_path)
    assert int(box.output.readline())  # the grandchild is up
    run.stop()
    assert box.wait(timeout=60) == -9
    ended, _, _ = select.select([box.output], [], [], 30)  # the end of a pipe whose other end the grandchild held
    assert ended
    assert box.output.read() == b""
    box.output.close()


def test_nothing_starts_after_the_end(tmp_path: Path) -> None:
    """A thread that comes late finds the door closed."""
    run = Children()
    run.stop()
    assert run.stopped
    with pytest.raises(Stopped):
        run.judge([sys.executable, "-c", ""])
    with pytest.raises(Stopped):
        start_box(run, tmp_path)


def test_processes_that_ended_are_left_alone() -> None:
    """Their numbers may belong to somebody else by now."""
    run = Children()
    judge = run.judge([sys.executable, "-c", ""])
    judge.wait()
    run.stop()
    assert judge.returncode == 0


def test_judge_has_a_group_of_its_own() -> None:
    """Ctrl-C in a terminal must not reach it a second time, in the middle of its tidying up."""
    run = Children()
    judge = start_judge(run, PATIENT)
    assert os.getpgid(judge.pid) == judge.pid
    run.stop()
    judge.communicate()
