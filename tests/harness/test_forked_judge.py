"""Judges that are forks of a process which has imported everything behave as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from conftest import ROOT

from grader.children import Children, Stopped
from grader.errors import GraderError
from grader.forked_judge import POSSIBLE, ForkedJudge, Starter
from grader.judge import judging_environment

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="judges are forked on Linux only")

SUITE = """
import os, sys, time
import oracle

def test_passes():
    assert oracle.VALUE == 1
    print("printed", flush=True)

def test_fails():
    assert False

def test_waits():
    print("up", os.getpid(), os.getpgid(0), flush=True)
    try:
        time.sleep(600)
    finally:
        print("tidied up", flush=True)

def test_dies():
    os.kill(os.getpid(), 9)

def test_changes_the_oracle():
    assert oracle.VALUE == 1
    oracle.VALUE = 2
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite's folder: an oracle, and tests that end in different ways."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "oracle").mkdir()
    (folder / "oracle" / "__init__.py").write_text("VALUE = 1\nprint('imported')\n", encoding="utf-8")
    (folder / "test_ways.py").write_text(SUITE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def starter(suite: Path) -> Iterator[Starter]:
    """One for all tests here: that is what it is for."""
    with closing(Starter(suite, ROOT, judging_environment(os.environ))) as started:
        yield started


def judge(starter: Starter, suite: Path, test: str, log: Path) -> tuple[ForkedJudge, int]:
    """A judge over one test, and where its events can be read."""
    reader, writer = os.pipe()
    arguments = [f"{suite}/test_ways.py::{test}", "-c", str(ROOT / "pyproject.toml"), "-q", "-s"]
    with log.open("wb") as output:
        started = starter.start([*arguments, "-p", "no:cacheprovider"], output.fileno(), writer)
    os.close(writer)
    return started, reader


def follow(reader: int) -> str:
    """What the judge told, when it has ended: the other end of its pipe is its own alone."""
    with os.fdopen(reader, encoding="utf-8") as events:
        return events.read()


def wait_for(log: Path, word: str) -> list[str]:
    """The words of the line in the log that begins with `word`, once it is there."""
    while True:
        found = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith(word)]
        if found:
            return found[0].split()
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("test", "status"), [("test_passes", 0), ("test_fails", 1), ("test_dies", -signal.SIGKILL), ("test_no_such", 4)]
)
def test_status_is_the_judges_own(starter: Starter, suite: Path, tmp_path: Path, test: str, status: int) -> None:
    """pytest's exit status, or minus the number of the signal that has killed it."""
    started, reader = judge(starter, suite, test, tmp_path / "log")
    follow(reader)
    assert started.wait(60) == status
    assert started.returncode == status


def test_output_goes_to_its_own_log(starter: Starter, suite: Path, tmp_path: Path) -> None:
    """What it prints is in its log, and nothing of what was imported before it began."""
    started, reader = judge(starter, suite, "test_passes", tmp_path / "log")
    assert '"collected"' in follow(reader)
    started.wait(60)
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert "printed" in text
    assert "imported" not in text


def test_no_judge_knows_another(starter: Starter, suite: Path, tmp_path: Path) -> None:
    """What one changes in a module is unchanged for the next."""
    for _ in range(2):
        started, reader = judge(starter, suite, "test_changes_the_oracle", tmp_path / "log")
        follow(reader)
        assert started.wait(60) == 0


def test_interrupt_gives_it_time_to_tidy_up(starter: Starter, suite: Path, tmp_path: Path) -> None:
    """It has a session of its own, and ends as after Ctrl-C."""
    log = tmp_path / "log"
    log.touch()
    started, reader = judge(starter, suite, "test_waits", log)
    _, process, group = wait_for(log, "up ")
    assert process == group
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(0)
    started.send_signal(signal.SIGINT)
    follow(reader)
    assert started.wait(60) == 2
    assert "tidied up" in log.read_text(encoding="utf-8")
    started.kill()  # it has ended: nobody else is hit


def test_stop_ends_them(suite: Path, tmp_path: Path) -> None:
    """A run that is stopped has no judge left, and starts none."""
    run = Children()
    run.warm_up(suite, ROOT, judging_environment(os.environ))
    log = tmp_path / "log"
    reader, writer = os.pipe()
    with log.open("wb") as output:
        started = run.fork(
            [f"{suite}/test_ways.py::test_waits", "-c", str(ROOT / "pyproject.toml"), "-q", "-s"],
            output.fileno(),
            writer,
        )
    os.close(writer)
    wait_for(log, "up ")
    run.stop()
    follow(reader)
    assert started is not None
    assert started.returncode == 2
    with pytest.raises(Stopped):
        run.fork([], 1, 1)


def test_nothing_is_forked_where_nothing_is_warm() -> None:
    """Then a judge is a Python of its own."""
    assert Children().fork([], 1, 1) is None


def test_judges_end_with_their_owner(suite: Path, tmp_path: Path) -> None:
    """A grader that was killed leaves no judge behind."""
    log = tmp_path / "log"
    log.touch()
    code = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT / "tests" / "harness")!r})
from grader.forked_judge import Starter
from grader.judge import ROOT, judging_environment
from test_forked_judge import judge
starter = Starter(Path({str(suite)!r}), ROOT, judging_environment(os.environ))
started = judge(starter, Path({str(suite)!r}), "test_waits", Path({str(log)!r}))
input()
"""
    owner = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE)
    wait_for(log, "up ")
    owner.kill()
    owner.communicate()
    while "tidied up" not in log.read_text(encoding="utf-8"):
        time.sleep(0.01)


def test_starter_that_died_is_our_fault(suite: Path, tmp_path: Path) -> None:
    """A judge whose end nobody can tell of is no grade."""
    starter = Starter(suite, ROOT, judging_environment(os.environ))
    log = tmp_path / "log"
    log.touch()
    started, reader = judge(starter, suite, "test_waits", log)
    process = int(wait_for(log, "up ")[1])
    starter._process.kill()
    with pytest.raises(GraderError, match="ended before its judges"):
        started.wait(60)
    with pytest.raises(GraderError, match="could not be started"):
        judge(starter, suite, "test_passes", tmp_path / "other")
    os.kill(process, signal.SIGINT)
    follow(reader)
    starter.close()
