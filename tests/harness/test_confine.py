"""What a process does to itself before it becomes a box's command: Landlock's rules, in real child processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.sandbox import confine

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's"),
    pytest.mark.skipif(
        sys.platform == "linux" and confine.landlock_version() == 0, reason="this kernel has no Landlock"
    ),
]

# Restricts itself, then tries each thing, and prints what came of it: "done", or the error's name.
CHILD = """
import errno, json, os, socket, sys
sys.path.insert(0, {folder!r})
import confine
os.chdir({place!r})
def read(path):
    with open(path, "rb") as file: file.read(1)
def write(path):
    with open(path, "ab") as file: file.write(b"x")
said = {{}}
confine.no_new_privs()
confine.restrict_files({rules})
for name, attempt in {attempts}.items():
    try: attempt(); said[name] = "done"
    except OSError as error: said[name] = errno.errorcode[error.errno]
print(json.dumps(said))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with files to be read, to be written, and none of the box's business."""
    for name in ("shown", "scratch", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text")
    return tmp_path


def tried(place: Path, attempts: dict[str, str]) -> dict[str, str]:
    """What came of each attempt (a Python expression) where `shown` may be read and `scratch` written."""
    rules = [(str(place / "shown"), confine.READ), (str(place / "scratch"), confine.WRITE)]
    listed = "{" + ", ".join(f"{name!r}: lambda: {code}" for name, code in attempts.items()) + "}"
    code = CHILD.format(folder=str(Path(confine.__file__).parent), place=str(place), rules=rules, attempts=listed)
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def expect(place: Path, outcome: str, *attempts: str) -> None:
    """Every attempt comes to the same."""
    assert tried(place, {code: code for code in attempts}) == dict.fromkeys(attempts, outcome)


def test_only_what_is_shown_is_read(place: Path) -> None:
    """Files, folders, and names that lead out of what is shown."""
    (place / "shown" / "link").symlink_to(place / "closed" / "file")
    expect(place, "done", "read('shown/file')", "os.listdir('shown')", "read('scratch/file')")
    expect(
        place,
        "EACCES",
        "read('closed/file')",
        "read('shown/link')",
        "read('shown/../closed/file')",
        "os.listdir('closed')",
        "os.listdir('/')",
        "read('/etc/passwd')",
    )


def test_nothing_but_scratch_is_written(place: Path) -> None:
    """What is shown can be changed in no way: written, cut, renamed, removed, added to."""
    expect(
        place,
        "done",
        "write('scratch/new')",
        "os.mkdir('scratch/folder')",
        "os.rename('scratch/new', 'scratch/folder/n')",
    )
    expect(
        place,
        "EACCES",
        "write('shown/file')",
        "write('shown/new')",
        "os.mkdir('shown/folder')",
        "os.unlink('shown/file')",
        "os.rename('shown/file', 'shown/other')",
        "os.truncate('closed/file', 0)" if confine.landlock_version() >= 3 else "write('closed/file')",
    )
    assert [(place / name / "file").read_text() for name in ("shown", "closed")] == ["text", "text"]


def test_nothing_is_smuggled_through_scratch(place: Path) -> None:
    """No hard link to a file that is closed, no link that opens it, no device, pipe or socket."""
    expect(place, "EXDEV", "os.link('closed/file', 'scratch/hard')", "os.link('/etc/passwd', 'scratch/hard')")
    expect(
        place,
        "EACCES",
        "os.rename('closed/file', 'scratch/mine')",
        "os.symlink('/etc/passwd', 'scratch/soft')",
        "os.mkfifo('scratch/pipe')",
        "os.mknod('scratch/null', 0o20666, 0x103)",
        "socket.socket(socket.AF_UNIX).bind('scratch/socket')",
    )


def test_other_processes_are_closed(place: Path) -> None:
    """The parent is of the same user: its environment, memory, files and command stay shut, its own too."""
    parent = f"/proc/{os.getpid()}"
    names = ("environ", "mem", "maps", "cmdline", "status")
    expect(place, "EACCES", *(f"read('{parent}/{name}')" for name in names), f"os.listdir('{parent}/fd')")
    expect(place, "EACCES", "os.listdir('/proc')", "read('/proc/self/environ')", "os.listdir('/sys')")


def test_parent_gets_no_signal(place: Path) -> None:
    """Linux 6.12's scope; before it the seccomp filter has to do."""
    if confine.landlock_version() < 6:
        pytest.skip("this kernel's Landlock has no scopes (ABI 6)")
    expect(place, "EPERM", f"os.kill({os.getpid()}, 0)")


def test_no_tcp(place: Path) -> None:
    """On top of the seccomp filter, which has no sockets at all."""
    if confine.landlock_version() < 4:
        pytest.skip("this kernel's Landlock has no rules on networks (ABI 4)")
    expect(place, "EACCES", "socket.socket().bind(('127.0.0.1', 0))", "socket.socket().connect(('127.0.0.1', 9))")


def test_paths_that_are_not_there_open_nothing(place: Path) -> None:
    """A machine without /lib64 is boxed like one with it."""
    (place / "scratch").rename(place / "gone")
    expect(place, "EACCES", "write('gone/file')")


def test_filter_is_for_this_process() -> None:
    """Where the filter names the process itself its number is put in, as a comparison's value and nowhere else."""
    jump, load = confine.struct.pack("=HBBI", 0x15, 0, 1, confine.OWN_PID), confine.struct.pack("=HBBI", 0x20, 0, 0, 16)
    assert confine._with_pid(load + jump, 77) == load + confine.struct.pack("=HBBI", 0x15, 0, 1, 77)


def test_refusal_of_the_kernel_is_an_error() -> None:
    """A filter that the kernel does not take must not pass for one that holds."""
    code = (
        f"import sys; sys.path.insert(0, {str(Path(confine.__file__).parent)!r}); import confine\n"
        "confine.no_new_privs()\n"
        "try: confine.filter_calls(b'\\0' * 8)\n"
        "except OSError as error: print(error.strerror, error.filename)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "Invalid argument seccomp\n", done.stderr
