"""What looks around an attack does see: each kind of harm, done by us, is told."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attacks
import canaries
import pytest
from canaries import Canaries

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the boxes, and what looks around them, are Linux's")
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
"""


@pytest.fixture
def things(tmp_path: Path) -> Iterator[Canaries]:
    """Fresh canaries."""
    found = Canaries(tmp_path)
    yield found
    found.close()


def test_untouched_things_tell_nothing(things: Canaries) -> None:
    """Where nothing was done, nothing is told."""
    assert things.harm() == []


def test_changed_secret_is_seen(things: Canaries) -> None:
    """The secret file's content and its mode are looked at."""
    things.file.chmod(0o644)
    assert things.harm() == ["the secret file was changed"]


def test_entry_of_the_empty_folder_is_seen(things: Canaries) -> None:
    """A file in the folder that every user may write to is told, and gone for the next look."""
    (things.empty / "in").touch()
    assert things.harm() == ["the empty folder holds in"]
    assert things.harm() == []


def test_connection_is_seen(things: Canaries) -> None:
    """A connection to the port is told, also when it was closed at once."""
    socket.create_connection(things.port.getsockname()).close()
    assert len(things.harm()) == 1


def test_connection_to_the_abstract_socket_is_seen(things: Canaries) -> None:
    """An abstract socket has no file that could be hidden: only a network namespace keeps it away."""
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(f"\0{things.mark}")
    assert len(things.harm()) == 1


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL])
def test_signal_is_seen(things: Canaries, number: int) -> None:
    """A signal is told, whether it would be ignored, end the process or only stop it."""
    things.sleeper.send_signal(number)
    if number == signal.SIGSTOP:
        os.waitid(os.P_PID, things.sleeper.pid, os.WSTOPPED | os.WNOWAIT)
    if number == signal.SIGKILL:
        things.sleeper.wait()
    assert len(things.harm()) == 1


def test_left_file_is_seen_and_removed(things: Canaries) -> None:
    """A file under the attack's name in /dev/shm is told, and gone for the next look."""
    Path(f"/dev/shm/{things.mark}").touch()
    assert things.harm() == [f"/dev/shm/{things.mark} was left"]
    assert things.harm() == []


def test_left_shared_memory_is_seen_and_removed(things: Canaries) -> None:
    """A System V segment with the attack's key is told, and gone for the next look."""
    identifier = ctypes.CDLL(None, use_errno=True).shmget(things.key, 4096, 0o1600)  # IPC_CREAT
    assert identifier >= 0
    assert things.harm() == ["System V shm with the attack's key was left"]
    assert things.harm() == []


def test_daemon_is_seen_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that left its group, its session and its parent is still found."""
    monkeypatch.setattr(canaries, "SETTLE", 0.2)
    before = canaries.descendants()
    with canaries.adopting():
        subprocess.run([sys.executable, "-c", DAEMON], check=True)
        assert len(canaries.left_processes(before)) == 1
    assert canaries.left_processes(before) == []


def test_changed_file_is_seen(tmp_path: Path) -> None:
    """A file whose size and time are set back still has another time of its last change."""
    file = tmp_path / "x.py"
    file.write_text("a = 1\n")
    before, old = canaries.fingerprint([tmp_path]), file.stat()
    file.write_text("a = 2\n")
    os.utime(file, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert len(canaries.changes(before, canaries.fingerprint([tmp_path]))) == 1


def test_odd_reports_are_seen(tmp_path: Path) -> None:
    """A file that is no report, a control character and the secret are each told."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "extra.txt").touch()
    (folder / "summary.md").write_text("a\x1b[31m hunter2\n")
    (folder / "grade.json").write_text('{"a": ["b\\u202e"]}')
    assert sorted(attacks.odd_reports(tmp_path, "hunter2", "x hunter2")) == [
        "the secret is in what the judge told",
        "tree/extra.txt is no report",
        "tree/grade.json holds '\\u202e'",
        "tree/summary.md holds '\\x1b'",
        "tree/summary.md holds the secret",
    ]


def test_odd_cache_is_seen(tmp_path: Path) -> None:
    """Something in the build cache that is neither an entry nor a lock is told."""
    (tmp_path / ("0" * 64)).mkdir()
    (tmp_path / ("0" * 64) / "entry.json").touch()
    (tmp_path / f"{'0' * 64}.lock").touch()
    assert attacks.odd_cache(tmp_path) == []
    (tmp_path / "evil").mkdir()
    (tmp_path / ("0" * 64) / "module.so").touch()
    assert len(attacks.odd_cache(tmp_path)) == 2
