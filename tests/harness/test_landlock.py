"""What a box without namespaces refuses, by small programs that try it; and what it must allow."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest

from grader.sandbox import Limits, confine, landlock, unavailable
from grader.sandbox.finish import Finished, run_to_end
from grader.sandbox.landlock import Landlock, LandlockRunning
from grader.sandbox.view import View, build_tools, interpreter
from grader.toolchain import tool

WHY_NOT = unavailable("landlock")
boxed = pytest.mark.skipif(WHY_NOT is not None, reason=f"no landlock: {WHY_NOT}")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only as root a box has another user than its owner")

LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=20, file_bytes=8 << 20, processes=1, scratch_bytes=4 << 20)
BUILD = replace(LIMITS, processes=16)
NUMPY = Path(numpy.__file__).parent
# What the programs begin with. tell(f): "ok", or the name of the error that f raises.
PRELUDE = """
import ctypes, errno, json, os, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def tell(f):
    try:
        f()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"
def call(name, *arguments):
    ctypes.set_errno(0)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
"""


class Box:
    """Runs Python programs in boxes of their own."""

    def __init__(self, folder: Path) -> None:
        self.scratch = folder / "scratch"
        self.made = folder / "made"
        self.scratch.mkdir()
        self.made.mkdir()

    def command(self, command: list[str], limits: Limits = LIMITS, **more: Any) -> Finished:
        """Run a command to its end."""
        usual = {"cwd": self.scratch, "readable": [], "writable": [], "scratch": self.scratch, "env": {"A": "b"}}
        options = {"limits": limits, "wall_seconds": 60.0, "output_bytes": 100_000, **usual, **more}
        return run_to_end(Landlock(), command, **options)

    def told(self, expression: str, limits: Limits = LIMITS, **more: Any) -> Any:
        """The value of an expression in the box, which JSON must know."""
        code = f"{PRELUDE}print(json.dumps({expression}))"
        done = self.command([interpreter(), "-I", "-S", "-c", code], limits, **more)
        assert done.status == 0, done.output
        return json.loads(done.output)

    def tried(self, *attempts: str, **more: Any) -> list[str]:
        """What came of each attempt."""
        found: list[str] = self.told(f"[{', '.join(f'tell(lambda: {attempt})' for attempt in attempts)}]", **more)
        return found


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Boxes with a scratch folder, and one to write to."""
    return Box(tmp_path)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the grader's that everybody may read and write."""
    file = tmp_path / "answers.json"
    file.write_text("1")
    file.chmod(0o666)
    return file


# -- files ------------------------------------------------------------------------------------------------------------


@boxed
def test_nothing_of_the_machines_is_open(box: Box, secret: Path) -> None:
    """Not what everybody may read, by whatever name."""
    assert set(box.tried(f"open({str(secret)!r})", "open('../answers.json')")) <= {"EACCES", "ENOENT"}
    assert (
        box.tried("open('/etc/passwd')", "os.listdir('/')", "os.listdir('/sys')", "open('/dev/tty')") == ["EACCES"] * 4
    )


@boxed
def test_nothing_of_the_machines_is_changed(box: Box, secret: Path) -> None:
    """Neither content nor mode nor time nor place, also where everybody may."""
    name = repr(str(secret))
    tries = [f"open({name}, 'w')", f"os.unlink({name})", f"os.chmod({name}, 0)", f"os.utime({name})"]
    tries += [
        f"os.truncate({name}, 0)",
        f"os.rename({name}, 'mine')",
        f"os.link({name}, 'mine')",
        "open('/tmp/mine', 'w')",
    ]
    assert set(box.tried(*tries)) <= {"EACCES", "EPERM", "EXDEV", "ENOENT"}
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("1", 0o666)


@boxed
def test_what_is_shown_cannot_be_changed(box: Box, tmp_path: Path) -> None:
    """It can be read, and that is all."""
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "file").write_text("1")
    (shown / "file").chmod(0o666)
    shown.chmod(0o777)
    file = repr(str(shown / "file"))
    assert box.tried(f"open({file})", f"os.listdir({str(shown)!r})", readable=[shown]) == ["ok", "ok"]
    tries = [f"open({file}, 'w')", f"os.unlink({file})", f"os.chmod({file}, 0)", f"open({str(shown / 'new')!r}, 'w')"]
    assert set(box.tried(*tries, readable=[shown])) <= {"EACCES", "EPERM"}


@boxed
@needs_root
def test_private_file_of_root_stays_shut(box: Box, tmp_path: Path) -> None:
    """Even shown: the box's user is really another one."""
    shown = tmp_path / "shown"
    shown.mkdir(mode=0o755)
    (shown / "key").write_text("secret")
    (shown / "key").chmod(0o600)
    assert box.tried(f"open({str(shown / 'key')!r})", readable=[shown]) == ["EACCES"]
    assert box.told("os.getresuid()")[0] > 1000


@boxed
def test_packages_are_hidden(box: Box) -> None:
    """NumPy that is shown can be read; what lies beside it, and in Python's own site-packages, not."""
    names = [NUMPY.parent / "pytest" / "__init__.py", *Path(os.__file__).parent.glob("site-packages/*/__init__.py")]
    own = f"open({str(NUMPY / '__init__.py')!r})"
    told = box.tried(own, *(f"open({str(name)!r})" for name in names), readable=[NUMPY])
    assert told[0] == "ok"
    assert len(told) > 1
    assert set(told[1:]) <= {"EACCES", "ENOENT"}


@boxed
def test_devices_are_four(box: Box) -> None:
    """No terminal, no disk, no memory of the machine's."""
    found = [f"/dev/{name}" for name in os.listdir("/dev") if not os.path.isdir(f"/dev/{name}")]
    found = [name for name in found if not os.path.islink(name)]  # /dev/stdin is whatever stdin is
    open_ = [
        name
        for name, came in zip(found, box.tried(*(f"os.open({name!r}, 0)" for name in found)), strict=True)
        if came == "ok"
    ]
    assert sorted(open_) == ["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"]


@boxed
def test_scratch_can_be_written(box: Box) -> None:
    """Files and folders, and a file up to its limit."""
    assert box.tried("open('file', 'w').write('1')", "os.makedirs('a/b')", "os.rename('file', 'a/b/c')") == ["ok"] * 3
    limits = replace(LIMITS, file_bytes=1 << 20)
    assert box.tried(
        "open('large', 'wb', 0).write(b'x' * (2 << 20))", "os.stat('large').st_size == 1 << 20 or 1 / 0", limits=limits
    ) == ["ok", "ok"]


@boxed
@needs_root
def test_scratch_is_bounded_memory(box: Box) -> None:
    """In many files too; and nothing of it reaches the caller's disk."""
    many = "[open(str(n), 'wb', 0).write(b'x' * (1 << 20)) for n in range(6)]"
    assert box.tried(many) == ["ENOSPC"]
    assert list(box.scratch.iterdir()) == []


@boxed
@pytest.mark.skipif(os.geteuid() == 0, reason="as root scratch is memory of a fixed size")
def test_box_that_fills_the_disk_is_ended(box: Box) -> None:
    """Many files, each of them small enough, are seen from outside by whoever waits for the box."""
    code = "import time\nfor n in range(8): open(str(n), 'wb').write(b'x' * (1 << 20))\n"
    code += "print(1, flush=True); time.sleep(60)"
    running = Landlock().spawn(
        [interpreter(), "-I", "-S", "-c", code],
        limits=LIMITS,
        cwd=box.scratch,
        readable=[],
        writable=[],
        scratch=box.scratch,
        env={},
    )
    assert running.output.readline() == b"1\n"
    running.cpu_seconds()
    assert running.wait(30) == -signal.SIGKILL
    running.output.close()


def test_watch_sees_what_was_written(tmp_path: Path) -> None:
    """In all files together, and not at every question: looking costs time."""
    for number in range(3):
        (tmp_path / str(number)).write_bytes(b"x" * 4096)
    assert landlock.Watch(tmp_path, 8192).says_stop()
    patient = landlock.Watch(tmp_path, 1 << 20)
    assert not patient.says_stop()
    (tmp_path / "more").write_bytes(b"x" * (2 << 20))
    assert not patient.says_stop()


# -- other processes --------------------------------------------------------------------------------------------------


@boxed
def test_judge_is_out_of_reach(box: Box) -> None:
    """No memory, no environment, no files, no command line, no signal, no limit, no priority."""
    judge = os.getpid()
    reads = [f"open('/proc/{judge}/{name}')" for name in ("mem", "environ", "maps", "cmdline", "status")]
    told = box.tried(*reads, f"os.listdir('/proc/{judge}/fd')", "os.listdir('/proc')")
    assert set(told) == {"EACCES"}
    acts = [f"os.kill({judge}, 0)", "os.kill(-1, 0)", f"os.setpriority(os.PRIO_PROCESS, {judge}, 19)"]
    acts += [f"call('ptrace', 16, {judge}, 0, 0)", f"call('process_vm_readv', {judge}, 0, 0, 0, 0, 0)"]
    acts += [f"__import__('resource').prlimit({judge}, 9, (1, 1))", "os.killpg(os.getpgrp(), 0)", "os.setsid()"]
    assert set(box.tried(*acts)) == {"EPERM"}


@boxed
def test_worker_starts_threads_only(box: Box) -> None:
    """No process, in whatever way."""
    starts = ["os.fork()", "os.posix_spawn('/bin/true', ['true'], {})"]
    assert set(box.tried(*starts)) == {"EPERM"}
    assert box.tried("__import__('threading').Thread(target=int).start()") == ["ok"]


@boxed
def test_worker_becomes_no_other_program(box: Box) -> None:
    """A shell would answer in the worker's place; of what is shown Python alone can be started."""
    assert box.tried("os.execv('/bin/sh', ['sh', '-c', ''])", "os.execv('/usr/bin/env', ['env'])") == ["EACCES"] * 2


@boxed
def test_no_sockets_but_pairs(box: Box) -> None:
    """A name in the file system or the abstract space could be a service that acts for the submission."""
    pair = "[end.close() for end in socket.socketpair()]"
    assert box.tried("socket.socket(socket.AF_UNIX)", "socket.socket()", "socket.socket(socket.AF_INET6)", pair) == [
        *["EPERM"] * 3,
        "ok",
    ]


@boxed
def test_nothing_is_left_for_the_next(box: Box) -> None:
    """No shared memory, by either interface, no semaphores, no queues."""
    assert (
        box.tried("call('shmget', 0, 4096, 0o1666)", "call('semget', 0, 1, 0o1666)", "call('msgget', 0, 0o1666)")
        == ["EPERM"] * 3
    )
    assert box.tried("open('/dev/shm/left', 'w')", "call('mq_open', b'/left', 0o102, 0o666, 0)") == ["EACCES", "EPERM"]


# -- what must work ---------------------------------------------------------------------------------------------------


@boxed
def test_numpy_computes(box: Box, tmp_path: Path) -> None:
    """With its own linear algebra, and threads."""
    kit = tmp_path / "kit"
    kit.mkdir()
    homes = [path for path in (NUMPY, NUMPY.with_name("numpy.libs")) if path.exists()]
    for home in homes:
        (kit / home.name).symlink_to(home)
    code = f"import sys; sys.path.append({str(kit)!r})\n"
    code += "import numpy; print((numpy.ones((400, 400)) @ numpy.ones(400))[0])"
    done = box.command([interpreter(), "-I", "-S", "-c", code], readable=[kit, *homes])
    assert done.output == "400.0\n"


@boxed
def test_end_by_a_signal_is_told(box: Box) -> None:
    """Its own abort, as a failed assertion in C++ ends."""
    assert box.command([interpreter(), "-I", "-S", "-c", "import os; os.abort()"]).status == -signal.SIGABRT


@boxed
def test_compiler_compiles(box: Box, secret: Path, tmp_path: Path) -> None:
    """To the folder it may write to; and no source includes a file that is not shown."""
    compiler = tool("g++")
    if compiler is None:
        pytest.skip("no g++ on this machine")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "good.cc").write_text("#include <vector>\nint main() { return std::vector<int>(3).size() - 3; }\n")
    (tree / "bad.cc").write_text(f'#include "{secret}"\nint main() {{}}\n')
    options: dict[str, Any] = {
        "limits": replace(BUILD, scratch_bytes=64 << 20),
        "readable": [tree, *build_tools([compiler])],
        "writable": [box.made],
        "env": {"PATH": "/usr/bin:/bin", "TMPDIR": str(box.scratch), "LC_ALL": "C"},
    }
    good = box.command([compiler, str(tree / "good.cc"), "-o", str(box.made / "good")], **options)
    assert (good.status, good.output) == (0, "")
    assert (box.made / "good").stat().st_size > 1000
    bad = box.command([compiler, str(tree / "bad.cc"), "-o", str(box.made / "bad")], **options)
    assert bad.status == 1
    assert "Permission denied" in bad.output or "No such file" in bad.output
    assert not (box.made / "bad").exists()


# Its first process starts another one, which leaves as far as it can, prints its number, and goes on.
LEAVING = """
import time
if os.fork() == 0:
    {leave}
    print(os.getpid(), flush=True)
    time.sleep(600)
"""


def left_behind(box: Box, leave: str) -> LandlockRunning:
    """Such a box; leave: how the second process leaves the first."""
    command = [interpreter(), "-I", "-S", "-c", PRELUDE + LEAVING.format(leave=leave)]
    return Landlock().spawn(
        command, limits=BUILD, cwd=box.scratch, readable=[], writable=[], scratch=box.scratch, env={}
    )


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


@boxed
@pytest.mark.parametrize(
    "leave", ["os.setpgid(0, 0)", "tell(os.setsid)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"]
)
def test_build_leaves_no_process_behind(box: Box, leave: str) -> None:
    """Not in a process group of its own, as ninja's compilers have it, nor in a session: there is none to be had."""
    running = left_behind(box, leave)
    pid = int(running.output.readline())
    assert running.wait(60) == 0
    assert not is_alive(pid)
    running.output.close()


@boxed
@pytest.mark.parametrize("limits", [LIMITS, BUILD], ids=["worker", "build"])
def test_box_dies_with_its_judge(box: Box, limits: Limits) -> None:
    """A judge that was killed ends nothing itself, and the box cannot take back what the kernel does then."""
    code = f"{PRELUDE}print(tell(lambda: call('prctl', 1, 0)), flush=True); import time; time.sleep(600)"
    program = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from grader.sandbox import Limits
from grader.sandbox.landlock import Landlock
from grader.sandbox.view import interpreter
folder = Path({str(box.scratch)!r})
running = Landlock().spawn([interpreter(), "-I", "-S", "-c", {code!r}], limits={limits!r}, cwd=folder, readable=[],
    writable=[], scratch=folder, env={{}})
print(running.output.readline().decode().strip(), running.pid, flush=True)
time.sleep(600)
"""
    judge = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert judge.stdout is not None
    told, pid = judge.stdout.readline().split()
    judge.kill()
    judge.communicate()
    assert told == "EPERM"
    deadline = time.monotonic() + 60
    while is_alive(int(pid)):
        assert time.monotonic() < deadline, "the box lives on"
        time.sleep(0.01)


@boxed
def test_killed_build_leaves_no_process_behind(box: Box) -> None:
    """All of it ends at once when its time is up."""
    running = left_behind(box, "os.setpgid(0, 0)")
    pid = int(running.output.readline())
    running.kill()
    assert running.wait() in (0, -signal.SIGKILL)
    end = time.monotonic() + 30
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_alive(pid)
    running.output.close()


# -- rules ------------------------------------------------------------------------------------------------------------


def test_folder_with_something_hidden_is_opened_by_its_entries(tmp_path: Path) -> None:
    """Rules only add: the folder itself can be listed, what is hidden has no rule, nor has a link that leads there."""
    for name in ("a/shown", "a/inner/shown", "a/inner/hidden", "whole"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to(tmp_path / "a" / "inner" / "hidden")
    what = View((tmp_path / "a", tmp_path / "whole"), (tmp_path / "a" / "inner" / "hidden",), ())
    given = {name: rights for name, rights in landlock.rules(what, [], BUILD) if name.startswith(str(tmp_path))}
    assert given == {
        str(tmp_path / "a"): confine.READ_DIR,
        str(tmp_path / "a" / "shown"): confine.RUN,
        str(tmp_path / "a" / "inner"): confine.READ_DIR,
        str(tmp_path / "a" / "inner" / "shown"): confine.RUN,
        str(tmp_path / "whole"): confine.RUN,
    }


def test_shown_below_what_is_hidden(tmp_path: Path) -> None:
    """A distribution's NumPy lies in dist-packages, which is hidden."""
    (tmp_path / "dist-packages" / "numpy").mkdir(parents=True)
    packages = tmp_path / "dist-packages"
    given = dict(landlock.rules(View((tmp_path, packages / "numpy"), (packages,), ()), [], LIMITS))
    assert given[str(packages / "numpy")] == confine.READ
    assert str(packages) not in given


@pytest.mark.skipif(sys.platform != "linux", reason="programs are in another format")
def test_worker_may_start_python_alone(tmp_path: Path) -> None:
    """And the loader, which Python names; its own folder it may write to, and not run."""
    given = dict(landlock.rules(View((tmp_path,), (), ()), [tmp_path / "own"], LIMITS))
    started = {name for name, rights in given.items() if rights & confine.EXECUTE}
    assert interpreter() in started
    assert len(started) == 2
    assert any("ld-" in name for name in started)


def test_gpu_is_seen_where_it_is_needed() -> None:
    """The CUDA driver looks for it in /proc and /sys; nobody else has a reason to."""
    nothing = View((), (), ())
    assert {"/proc", "/sys"} & dict(landlock.rules(nothing, [], LIMITS)).keys() == set()
    assert {"/proc", "/sys"} < dict(landlock.rules(nothing, [], replace(LIMITS, gpu=True))).keys()


# -- where it does not work -------------------------------------------------------------------------------------------


def test_root_without_rights_is_told_so() -> None:
    """docker's root has no CAP_SYS_ADMIN: its box could not be another user's."""
    assert landlock.lacking_capabilities("Name:\tpython\nCapEff:\t000001ffffffffff\n") == []
    assert landlock.lacking_capabilities("CapEff:\t00000000a80425fb\n") == ["CAP_SYS_ADMIN"]
    assert landlock.lacking_capabilities("CapEff:\t0000000000000000\n")[0] == "CAP_CHOWN"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSYS, "the kernel has no Landlock"),
        (errno.EOPNOTSUPP, "Landlock is switched off; add `landlock` to the kernel's option lsm="),
        (errno.EPERM, "the container's seccomp profile refuses Landlock"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
def test_reason_why_there_is_none(monkeypatch: pytest.MonkeyPatch, number: int, said: str) -> None:
    """Each with what would help."""
    monkeypatch.setattr(confine, "landlock_version", lambda: 0)
    monkeypatch.setattr(confine, "landlock_error", lambda: number)
    assert (landlock.unavailable() or "").startswith(said)
