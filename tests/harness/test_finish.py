"""Running a command to its end: its status, its output up to a limit, and nothing of it left."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.sandbox import Limits
from grader.sandbox.finish import Finished, run_to_end
from grader.sandbox.none import PlainProcess


def is_running(pid: int) -> bool:
    """Whether a process is there and not yet dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., Finished]:
    """Run a shell script to its end."""

    def run(script: str, seconds: float = 60, output_bytes: int = 1000) -> Finished:
        return run_to_end(
            PlainProcess(),
            ["/bin/sh", "-c", script],
            limits=Limits(1 << 30, 60, 1 << 20, processes=16, scratch_bytes=1 << 20),
            wall_seconds=seconds,
            output_bytes=output_bytes,
            cwd=tmp_path,
            readable=[],
            writable=[tmp_path],
            scratch=tmp_path,
            env={"PATH": "/usr/bin:/bin"},
        )

    return run


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("kill -9 $$", -9), ("exec >&- 2>&-; exit 4", 4)])
def test_status(script: str, status: int, shell: Callable[..., Finished]) -> None:
    """The status is the command's, or its signal's, also when it hangs up before it ends."""
    assert shell(script).status == status


def test_output_is_both_streams_up_to_the_limit(shell: Callable[..., Finished]) -> None:
    """What goes to stdout and stderr is kept in order and cut; the command is never blocked by a full pipe."""
    done = shell("echo one; echo two >&2; head -c 3000000 /dev/zero", output_bytes=20)
    assert (done.status, done.output) == (0, "one\ntwo\n" + "\0" * 12)


def test_time_limit(shell: Callable[..., Finished]) -> None:
    """A command that goes on is ended, and what it said is kept."""
    assert shell("echo begun; sleep 600", seconds=0.5) == Finished(None, "begun\n")


@pytest.mark.parametrize("daemon", ["sleep 600", "yes"])
def test_daemon_holds_nothing_up(daemon: str, shell: Callable[..., Finished], tmp_path: Path) -> None:
    """A process left behind that keeps the pipe open, or writes for ever, does not hold up the answer, and is ended."""
    begin = time.monotonic()
    done = shell(f"{daemon} & echo $! > pid; exit 5", output_bytes=100)
    assert done.status == 5
    assert time.monotonic() - begin < 60
    pid = int((tmp_path / "pid").read_text())
    while is_running(pid):  # for the moment between the signal and its effect; for ever where it was not sent
        time.sleep(0.01)
