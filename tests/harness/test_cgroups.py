"""Control groups for boxes (grader/sandbox/cgroups.py): for real where this user may make them, else as folders.

Version 2 is looked at on folders that have its files, unless the machine running the tests has it.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.sandbox import cgroups
from grader.sandbox.base import Limits
from grader.sandbox.cgroups import Cgroup, find_place, open_cgroup, tidy, unavailable
from grader.sandbox.process_tree import start_time

MIB = 1 << 20
LIMITS = Limits(memory_bytes=64 * MIB, cpu_seconds=60, file_bytes=64 * MIB, processes=4, scratch_bytes=0)


@pytest.fixture
def group(request: pytest.FixtureRequest) -> Iterator[Cgroup]:
    """A group with LIMITS, or the parameter's."""
    opened = open_cgroup(getattr(request, "param", LIMITS))
    if opened is None:
        pytest.skip(f"no control groups: {unavailable()}")
    yield opened
    opened.close()


@pytest.fixture
def run_in() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start Python code in a group; whatever of it is left in the end is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def run(group: Cgroup, code: str) -> subprocess.Popen[bytes]:
        join = "".join(f"open({str(file)!r}, 'w').write('0')\n" for file in group.joins)
        command = [sys.executable, "-I", "-S", "-c", "import os, sys, time\n" + join + code]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def members(group: Cgroup) -> list[int]:
    """The numbers of its processes."""
    return [int(line) for line in group.joins[0].read_text().split()]


def is_gone(group: Cgroup) -> bool:
    """Whether nothing of it is left."""
    return not any(file.parent.exists() for file in group.joins)


# --- for real ---------------------------------------------------------------------------------------------------------


def test_memory_of_all_together(group: Cgroup, run_in: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Processes that each stay under the limit do not get over it together; afterwards one can tell why they ended."""
    take = "for _ in range(3):\n    os.fork()\nx = b'x' * (16 << 20)\nos.write(1, b'!')\nsys.stdin.read()"
    assert not group.ran_out_of_memory()
    process = run_in(group, take)  # eight of 16 MiB; Limits.processes has room for them, as threads count alike
    end = time.monotonic() + 60
    while not group.ran_out_of_memory():
        assert time.monotonic() < end, "eight processes of 16 MiB ran in a group of 64 MiB"
        time.sleep(0.01)
    group.kill()
    assert process.wait() == -signal.SIGKILL


def test_within_its_memory(group: Cgroup, run_in: Callable[..., subprocess.Popen[bytes]]) -> None:
    """What keeps within the limit is let be."""
    assert run_in(group, "x = b'x' * (16 << 20)").wait() == 0
    assert not group.ran_out_of_memory()


# In 1 GiB: 64 MiB would be used up first.
@pytest.mark.parametrize("group", [replace(LIMITS, memory_bytes=1024 * MIB)], indirect=True, ids=["1 GiB"])
def test_number_of_processes(group: Cgroup, run_in: Callable[..., subprocess.Popen[bytes]]) -> None:
    """A fork bomb comes to an end at the limit, which has room for threads as well."""
    bomb = (
        "count = 1\ntry:\n    while count < 1000:\n"
        "        if os.fork() == 0:\n            os.close(1)\n            time.sleep(600)\n            os._exit(0)\n"
        "        count += 1\nexcept OSError as error:\n    print(count, error.errno, flush=True)"
    )
    process = run_in(group, bomb)
    assert process.stdout is not None
    limit = LIMITS.processes + 256 + 2 * (os.cpu_count() or 1)
    assert process.stdout.readline() == f"{limit} {errno.EAGAIN}\n".encode()


def test_kill_reaches_who_fled(group: Cgroup, run_in: Callable[..., subprocess.Popen[bytes]]) -> None:
    """A process that left its session and its parent is ended all the same."""
    flee = "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        print('x', flush=True)\n"
    process = run_in(group, flee + "        time.sleep(600)\n    os._exit(0)\nos.wait()")
    assert process.stdout is not None
    process.stdout.readline()
    assert process.wait() == 0
    assert len(members(group)) == 1
    group.kill()
    assert process.stdout.read() == b""  # the last one to hold it is gone


def test_kill_outruns_a_fork_bomb(group: Cgroup, run_in: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Processes that have new ones made all the time, and end, are all ended at once."""
    relay = "print('x', flush=True)\nend = time.monotonic() + 600\nwhile time.monotonic() < end:\n"
    process = run_in(group, relay + "    try:\n        if os.fork(): os._exit(0)\n    except OSError: pass")
    assert process.stdout is not None
    process.stdout.readline()
    group.close()
    assert is_gone(group)


def test_cpu_time(group: Cgroup, run_in: Callable[..., subprocess.Popen[bytes]]) -> None:
    """CPU time of what has ended counts, also where its parent ignored it; and it is told after the group is closed."""
    burn = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nif os.fork():\n    time.sleep(600)\n"
    process = run_in(group, burn + "while time.process_time() < 0.2: pass\nprint('x', flush=True)")
    assert process.stdout is not None
    process.stdout.readline()
    group.close()
    assert 0.19 <= group.cpu_seconds() < 2


def test_close_twice(group: Cgroup) -> None:
    """A group that is closed leaves nothing, and can be asked and closed again."""
    group.close()
    group.close()
    group.kill()
    assert is_gone(group)
    assert not group.ran_out_of_memory()


def test_leftovers_are_tidied_away(group: Cgroup, run_in: Callable[..., subprocess.Popen[bytes]]) -> None:
    """A group whose owner is gone is ended and removed by a later run; one whose owner lives is let be."""
    place = cgroups._place()
    assert not isinstance(place, str)
    owner = subprocess.Popen(["sleep", "600"])
    dead = Cgroup(place, f"grader-{cgroups._namespace()}-{owner.pid}-{start_time(owner.pid)}-0").make(LIMITS)
    alive = run_in(group, "print('x', flush=True)\ntime.sleep(600)")
    left = run_in(dead, "print('x', flush=True)\ntime.sleep(600)")
    for process in (alive, left):
        assert process.stdout is not None
        process.stdout.readline()
    tidy(place)
    assert len(members(dead)) == 1
    owner.kill()
    owner.wait()
    tidy(place)
    assert is_gone(dead)
    assert left.wait() == -signal.SIGKILL
    assert len(members(group)) == 1


# --- where groups are made --------------------------------------------------------------------------------------------

V1 = "31 23 0:28 / {at} rw - tmpfs tmpfs rw\n" + "".join(
    f"3{number} 31 0:3{number} {{root}} {{at}}/{name} rw shared:1 - cgroup cgroup rw,{name}\n"
    for number, name in enumerate(("cpu,cpuacct", "memory", "pids"))
)
OWN_V1 = "4:memory:{path}\n3:pids:{path}\n2:cpu,cpuacct:{path}\n0::/\n"


@pytest.mark.parametrize(
    ("root", "path", "inside"),
    [("/", "/", ""), ("/", "/user/me", "user/me"), ("/docker/1", "/docker/1", ""), ("/docker/1", "/docker/1/a", "a")],
)
def test_place_of_version_1(root: str, path: str, inside: str, tmp_path: Path) -> None:
    """Each controller's group of ours is found, also where only a part of the tree is mounted (a container)."""
    for name in ("cpu,cpuacct", "memory", "pids"):
        (tmp_path / name / inside).mkdir(parents=True)
    place = find_place(OWN_V1.format(path=path), V1.format(at=tmp_path, root=root))
    assert not isinstance(place, str)
    wanted = (False, *(tmp_path / name / inside for name in ("memory", "pids", "cpu,cpuacct")))
    assert (place.unified, place.memory, place.pids, place.cpu) == wanted


@pytest.mark.parametrize(
    ("own", "mounts", "reason"),
    [
        ("4:memory:/\n", "", "the cgroup controller memory is not mounted here"),
        ("4:memory:/\n0::/\n", V1.format(at="/nowhere", root="/").splitlines()[2], "may not make control groups in"),
        ("4:memory:/../b\n", V1.format(at="/nowhere", root="/"), "the cgroup controller memory is not mounted here"),
        ("4:memory:/dockers\n", V1.format(at="/", root="/docker"), "the cgroup controller memory is not mounted here"),
        ("0::/\n", "", "no control groups are mounted here"),
        ("", "", "no control groups are mounted here"),
    ],
)
def test_no_place(own: str, mounts: str, reason: str) -> None:
    """What is missing is said."""
    place = find_place(own, mounts)
    assert isinstance(place, str)
    assert reason in place


class Folders:
    """A folder that looks like a cgroup tree of version 2: groups get their files when they are made."""

    def __init__(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top = top
        self._mkdir = Path.mkdir
        monkeypatch.setattr(Path, "mkdir", lambda folder: self.make(folder))
        rmdir = os.rmdir

        def remove(folder: Path) -> None:
            for file in folder.iterdir():
                file.unlink()
            rmdir(folder)

        monkeypatch.setattr(os, "rmdir", remove)
        self.make(top)
        self.mounts = f"31 23 0:28 / {str(top).replace(' ', chr(92) + '040')} rw - cgroup2 cgroup2 rw,nsdelegate\n"

    def make(self, folder: Path, lends: str = "") -> None:
        """A group; lends: the controllers that its children have."""
        if not folder.exists():
            self._mkdir(folder)
        memory = "memory.max memory.swap.max memory.oom.group memory.events"
        for name in f"cgroup.procs cgroup.kill cgroup.subtree_control pids.max cpu.stat {memory}".split():
            (folder / name).write_text("")
        (folder / "cgroup.subtree_control").write_text(lends)
        (folder / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\n")
        (folder / "memory.events").write_text("low 0\nmax 7\noom 1\noom_kill 0\n")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """See Folders; its path has a blank in it, which mountinfo writes as \\040."""
    return Folders(tmp_path / "cgroup tree", monkeypatch)


def refuse(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Let the kernel refuse to lend controllers in these folders (EBUSY: they have processes)."""
    write = cgroups._write

    def refusing(file: Path, value: str) -> None:
        if file.name == "cgroup.subtree_control" and file.parent in folders:
            raise OSError(16, "Device or resource busy")
        write(file, value)

    monkeypatch.setattr(cgroups, "_write", refusing)


def test_version_2_at_the_top(folders: Folders) -> None:
    """At the root of the tree the controllers are lent, and groups made in it."""
    place = find_place("0::/\n", folders.mounts)
    assert not isinstance(place, str)
    assert (place.unified, place.memory, place.pids, place.cpu) == (True, *[folders.top] * 3)
    assert (folders.top / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_version_2_beside_ours(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group with processes lends nothing, so the box's group is made in the nearest one above ours that does."""
    ours = folders.top / "user" / "app" / "run.scope"
    for folder, lends in ((ours.parent.parent, "cpu memory pids"), (ours.parent, "cpu memory pids"), (ours, "")):
        folders.make(folder, lends)
    refuse(monkeypatch, ours)
    place = find_place("0::/user/app/run.scope\n", folders.mounts)
    assert not isinstance(place, str)
    assert place.memory == ours.parent


def test_version_2_not_lent(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither our group nor one above it may be used, the reason has a remedy."""
    ours = folders.top / "session.scope"
    folders.make(ours)
    refuse(monkeypatch, ours, folders.top)
    place = find_place("0::/session.scope\n", folders.mounts)
    assert isinstance(place, str)
    assert str(ours) in place
    assert "systemd-run --user --scope" in place


def test_version_2_limits(folders: Folders) -> None:
    """Memory with what temporary files take of it, no swap, tasks; one that is out of memory ends all."""
    place = find_place("0::/\n", folders.mounts)
    assert not isinstance(place, str)
    group = Cgroup(place, "grader-1-2-3-4").make(Limits(3 * MIB, 1, 1, 64, 5 * MIB))
    folder = folders.top / "grader-1-2-3-4"
    assert group.joins == [folder / "cgroup.procs"]
    wanted = {"memory.max": str(8 * MIB), "memory.swap.max": "0", "memory.oom.group": "1"}
    assert {name: (folder / name).read_text() for name in wanted} == wanted
    assert int((folder / "pids.max").read_text()) > 64 + 256
    assert group.cpu_seconds() == 1.5
    assert not group.ran_out_of_memory()
    (folder / "memory.events").write_text("low 0\nmax 7\noom 1\noom_kill 1\n")
    assert group.ran_out_of_memory()
    group.kill()
    assert [(folder / name).read_text() for name in ("pids.max", "cgroup.kill")] == ["0", "1"]
    group.close()
    assert not folder.exists()


def test_a_group_that_cannot_be_made(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that the kernel refuses is our fault, and leaves nothing behind: never a group without its limit."""
    place = find_place("0::/\n", folders.mounts)
    assert not isinstance(place, str)
    write = cgroups._write

    def refusing(file: Path, value: str) -> None:
        if file.name == "memory.max":
            raise OSError(22, "Invalid argument")
        write(file, value)

    monkeypatch.setattr(cgroups, "_write", refusing)
    with pytest.raises(GraderError, match=r"The control group .*grader-9.* could not be made: .*Invalid argument"):
        Cgroup(place, "grader-9").make(LIMITS)
    assert not (folders.top / "grader-9").exists()
