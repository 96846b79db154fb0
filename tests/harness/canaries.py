"""What an attack could touch besides its grade: each thing laid out before a round, and looked at after it.

Every check is for Linux, where the boxes are; elsewhere `/proc` is missing, and the checks that read it see nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
SETTLE = 5.0  # seconds for processes that were just killed to disappear from the table
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)

# Every signal that can be blocked is blocked, so that one that came waits, and can be counted, instead of being lost.
# The process ends when its stdin does: also where the test itself was killed.
_SLEEPER = "import os, signal; signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); print(flush=True)\n"
_SLEEPER += "os.read(0, 1)"


@dataclass
class Canaries:
    """The things themselves, in a folder of the test's own."""

    folder: Path
    # A letter first: an assembler that reads the file as code names a word in its error, and says nothing of a number.
    secret: str = field(default_factory=lambda: f"s{secrets.token_hex(20)}")
    mark: str = field(default_factory=lambda: f"attack-{secrets.token_hex(6)}")
    key: int = field(default_factory=lambda: 0x41000000 + secrets.randbelow(1 << 24))

    def __post_init__(self) -> None:
        self.file = self.folder / "secret.txt"
        self.file.write_text(self.secret)
        self.file.chmod(0o600)
        self.empty = self.folder / "empty"
        self.empty.mkdir()
        self.empty.chmod(0o777)
        self.port = socket.create_server(("127.0.0.1", 0))
        self.socket = socket.socket(socket.AF_UNIX)
        if sys.platform == "linux":
            self.socket.bind(f"\0{self.mark}")
            self.socket.listen()
        command = [sys.executable, "-I", "-S", "-c", _SLEEPER]
        self.sleeper = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self.sleeper.stdout is not None
        self.sleeper.stdout.readline()  # else a signal could come before they are blocked

    @property
    def told(self) -> dict[str, str]:
        """The words of an attack that stand for these things."""
        return {
            "@SECRET@": str(self.file),
            "@EMPTY@": str(self.empty),
            "@PORT@": str(self.port.getsockname()[1]),
            "@SOCKET@": self.mark,
            "@PID@": str(self.sleeper.pid),
            "@MARK@": self.mark,
            "@KEY@": str(self.key),
        }

    def close(self) -> None:
        """End and remove what was laid out."""
        self.sleeper.kill()
        self.sleeper.communicate()
        self.port.close()
        self.socket.close()

    def harm(self) -> list[str]:
        """What was done to them, in words; empty where nothing was. What was left behind is removed."""
        return [
            *_changed_secret(self.file, self.secret),
            *_entries(self.empty),
            *_connections([self.port, self.socket] if sys.platform == "linux" else [self.port]),
            *_signals(self.sleeper),
            *_system_v(self.key),
            *_left_files(self.mark),
        ]


def _changed_secret(file: Path, secret: str) -> list[str]:
    if file.read_text() != secret or stat.S_IMODE(file.stat().st_mode) != 0o600:
        return ["the secret file was changed"]
    return []


def _entries(folder: Path) -> list[str]:
    """A folder that every user may write to, outside the box: the only way in is through its wall."""
    found = sorted(item.name for item in folder.iterdir())
    for name in found:
        (folder / name).unlink()
    return [f"the empty folder holds {name}" for name in found]


def _connections(listeners: Sequence[socket.socket]) -> list[str]:
    """Somebody who could connect could hand answers in, or inputs out."""
    found = []
    for listener in listeners:
        while select.select([listener], [], [], 0)[0]:
            listener.accept()[0].close()
            found.append(f"somebody connected to {listener.getsockname()!r}")
    return found


def _signals(sleeper: subprocess.Popen[bytes]) -> list[str]:
    """A signal to a process that is not the submission's: it could as well have been the judge."""
    if sleeper.poll() is not None:
        return [f"the sleeping process was ended with {sleeper.returncode}"]
    if not PROC.exists():
        return []
    lines = dict(line.split(":\t", 1) for line in (PROC / str(sleeper.pid) / "status").read_text().splitlines())
    pending = int(lines["SigPnd"], 16) | int(lines["ShdPnd"], 16)
    stopped = lines["State"].startswith(("T", "t"))
    return [f"the sleeping process got signals {pending:#x}"] * bool(pending) + ["it was stopped"] * stopped


def _system_v(key: int) -> list[str]:
    """Shared memory, queues and semaphores outlive their makers: a message for the next submission, or lost memory."""
    found = []
    for kind, remove in (("shm", "-M"), ("msg", "-Q"), ("sem", "-S")):
        table = PROC / "sysvipc" / kind
        rows = table.read_text().splitlines()[1:] if table.exists() else []
        if any(int(row.split()[0]) == key for row in rows):
            found.append(f"System V {kind} with the attack's key was left")
            subprocess.run(["ipcrm", remove, str(key)], check=False, capture_output=True)
    return found


def _left_files(mark: str) -> list[str]:
    """Files under the attack's name wherever every user may write: /dev/shm is memory, and lasts until a restart."""
    found = []
    for place in map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock", "/run/user")):
        for item in place.glob(f"*{mark}*") if place.exists() else []:
            found.append(f"{item} was left")
            with contextlib.suppress(OSError):
                item.unlink()
    return found


# ------------------------------------------------------------------------------------------------- the checkout's files


def fingerprint(places: Sequence[Path]) -> dict[str, tuple[int, ...]]:
    """Every file below `places` with what nobody can set back: the time of its last change as the kernel keeps it.

    Compiled Python is left out: the judge itself writes it. So are folders: their times change with those files.
    """
    found = {}
    for place in places:
        for folder, names, files in os.walk(place):
            names[:] = [name for name in names if name not in ("__pycache__", ".pytest_cache", "build")]
            for name in files:
                path = os.path.join(folder, name)
                with contextlib.suppress(FileNotFoundError):  # an editor's file, gone meanwhile
                    about = os.lstat(path)
                    found[path] = (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    return found


def changes(before: dict[str, tuple[int, ...]], after: dict[str, tuple[int, ...]]) -> list[str]:
    """The files that were changed, made or removed between two fingerprints."""
    names = sorted({name for name in before.keys() | after.keys() if before.get(name) != after.get(name)})
    return [f"{name} was changed (by you? then run the test again)" for name in names]


# -------------------------------------------------------------------------------------------------- processes left over


@contextlib.contextmanager
def adopting() -> Iterator[None]:
    """Processes whose parents ended become this one's, and not init's: a daemon cannot hide from `descendants`."""
    if sys.platform != "linux":
        yield
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def descendants() -> dict[int, str]:
    """Every process below this one that still runs, with its command line."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir() if PROC.exists() else ():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # ended while we looked
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if fields[0] not in "ZX":  # ended, and only to be reaped
                    parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: dict[int, str] = {}
    queue = [os.getpid()]
    while queue:
        for child in parents.get(queue.pop(), []):
            queue.append(child)
            with contextlib.suppress(OSError):
                words = (PROC / str(child) / "cmdline").read_bytes().split(b"\0")
                found[child] = b" ".join(words).decode("utf-8", "replace")
    return found


def left_processes(before: dict[int, str]) -> list[str]:
    """Processes that a round left running, ended here; those of `before` are somebody else's."""
    end = time.monotonic() + SETTLE
    while (left := {pid: text for pid, text in descendants().items() if pid not in before}) and time.monotonic() < end:
        time.sleep(0.02)
    for pid in left:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):  # a grandchild is reaped by its own parent
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return [f"a process was left running: {text}" for text in left.values()]
