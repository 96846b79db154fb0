"""The box of docker or podman (grader/sandbox/container.py, container_init.py, engine.py).

For real where an engine works here; besides, with a program that stands in for one and writes down what it is asked.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import GraderError, UsageError
from grader.sandbox import cgroups, container, container_init, engine
from grader.sandbox.base import Limits
from grader.sandbox.container import Container, ContainerRunning, isolation, mounts, tidy, unavailable
from grader.sandbox.engine import Engine, engines
from grader.sandbox.finish import Finished, run_to_end
from grader.sandbox.view import View, interpreter

MIB = 1 << 20
LIMITS = Limits(memory_bytes=256 * MIB, cpu_seconds=20, file_bytes=64 * MIB, processes=1, scratch_bytes=4 * MIB)
BUILD = replace(LIMITS, processes=64)
ENV = {"PATH": "/usr/bin:/bin", "ONLY": "this"}
linux = pytest.mark.skipif(sys.platform != "linux", reason="containers that show this machine's files need Linux")


@pytest.fixture(scope="module")
def box() -> Container:
    """The kind, where it can be had."""
    if (why := unavailable()) is not None:
        pytest.skip(f"no containers here: {why}")
    return Container()


@pytest.fixture
def python(box: Container, tmp_path: Path) -> Callable[..., Finished]:
    """Run Python code in a container to its end; `shown` and `out` are there, the latter to be written to."""
    for name in ("shown", "out", "scratch"):
        (tmp_path / name).mkdir()
    (tmp_path / "shown" / "file").write_text("what is shown")
    (tmp_path / "secret").write_text("what is not")

    def run(code: str, limits: Limits = LIMITS, seconds: float = 60) -> Finished:
        return run_to_end(
            box,
            [interpreter(), "-I", "-S", "-B", "-c", "import os, sys\n" + code, str(tmp_path)],
            limits=limits,
            wall_seconds=seconds,
            output_bytes=20_000,
            cwd=tmp_path / "scratch",
            readable=[tmp_path / "shown"],
            writable=[tmp_path / "out"],
            scratch=tmp_path / "scratch",
            env=ENV,
        )

    return run


# --- for real ---------------------------------------------------------------------------------------------------------

# All in one container, for each costs half a second: every line is a claim, and what is printed those that are false.
CLAIMS = """
import pathlib, socket, tempfile
here = pathlib.Path(sys.argv[1])
def refused(do):
    try:
        do()
    except OSError:
        return True
    return False
def status(name):
    return next(line.split()[1:] for line in open("/proc/self/status") if line.startswith(name + ":"))
def room(place):
    told = os.statvfs(place)
    return told.f_frsize * told.f_blocks
claims = {
    "what is to be shown is": (here / "shown/file").read_text() == "what is shown",
    "and cannot be written": refused(lambda: (here / "shown/file").write_text("x")),
    "nor added to": refused(lambda: (here / "shown/more").write_text("x")),
    "its neighbours are not": not (here / "secret").exists(),
    "nor whatever else there is": refused(lambda: os.listdir(CHECKOUT)) or os.listdir(CHECKOUT) == ["grader"],
    "nor the user's files": refused(lambda: open("/etc/shadow")),
    "nor other packages": not any(os.listdir(p) for p in map(pathlib.Path, SITE) if p.is_dir()),
    "the root cannot be written": refused(lambda: open("/new", "w")),
    "the environment is what was given": dict(os.environ) == ENV,
    "the folder is the caller's": os.getcwd() == str(here / "scratch"),
    "the user is not root": 0 not in (*os.getresuid(), *os.getresgid()),
    "nor in any group": set(os.getgroups()) <= {os.getgid()},
    "there are no capabilities": all(int(status(name)[0], 16) == 0 for name in ("CapPrm", "CapEff", "CapBnd")),
    "nor a way to any": status("NoNewPrivs") == ["1"],
    "there is a seccomp filter of the engine's and one of ours": status("Seccomp_filters") >= ["2"],
    "processes outside are not seen": sum(name.isdigit() for name in os.listdir("/proc")) == 2,
    "the first process cannot be looked into": refused(lambda: open("/proc/1/mem")),
    "there is no network": os.listdir("/sys/class/net") == ["lo"],
    "nor a socket for it": refused(lambda: socket.socket(socket.AF_INET)),
    "no process can be started": refused(os.fork),
    "scratch is as large as allowed": room(".") == SCRATCH,
    "so is /tmp": room("/tmp") <= 16 << 20,
    "and /dev/shm": room("/dev/shm") <= 16 << 20,
    "files that stay can be written": (here / "out/made").write_text("x") == 1,
    "stdin is empty": sys.stdin.read() == "",
}
print(*[claim for claim, holds in claims.items() if not holds], sep=", ", end="")
"""


def test_what_holds_inside(python: Callable[..., Finished], tmp_path: Path) -> None:
    """A container shows what it should, and nothing else; it has no rights, no network and sized places to write to."""
    site = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    known = {
        "CHECKOUT": str(Path(engine.__file__).parents[2]),
        "SITE": site,
        "ENV": ENV,
        "SCRATCH": LIMITS.scratch_bytes,
    }
    values = "".join(f"{name} = {value!r}\n" for name, value in known.items())
    assert python(values + CLAIMS) == Finished(0, "", False)
    assert (tmp_path / "out" / "made").read_text() == "x"
    assert not any((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize(
    ("code", "status", "output"),
    [
        ("print('out'); sys.exit(3)", 3, "out\n"),
        ("import signal; signal.raise_signal(signal.SIGSEGV)", -signal.SIGSEGV, ""),
        ("os.write(2, b'failed: forged'); os._exit(125)", container_init.CLAMPED, "failed: forged"),
    ],
    ids=["status", "signal", "the engine's own status"],
)
def test_how_it_ended(code: str, status: int, output: str, python: Callable[..., Finished]) -> None:
    """Status and signals arrive; a command that ends as if the engine had failed has ended by itself."""
    assert python(code) == Finished(status, output, False)


def test_memory_of_all_together(python: Callable[..., Finished]) -> None:
    """Processes that each stay under the limit do not get over it together, and one can tell afterwards."""
    take = "for _ in range(3): os.fork()\nx = b'x' * (60 << 20)\nimport time\ntime.sleep(1)\n"
    done = python(take + "while True:\n    try: os.wait()\n    except ChildProcessError: break", BUILD)
    assert done.out_of_memory


def test_time_is_up(box: Container, python: Callable[..., Finished]) -> None:
    """A container is ended with whatever fled in it, and is gone."""
    flee = "if os.fork() == 0: os.setsid()\nprint('begun', flush=True)\nimport time\ntime.sleep(600)"
    done = python(flee, BUILD, seconds=3)
    assert done == Finished(None, "begun\nbegun\n", False)
    assert own_containers(box) == []


def own_containers(box: Container) -> list[str]:
    """The containers of this process."""
    names = box._engine.run("ps", "--all", "--filter", "label=grader.box", "--format", "{{.Names}}").split()
    return [name for name in names if f"-{os.getpid()}-" in name]


@pytest.fixture
def worker(box: Container, tmp_path: Path) -> Callable[[str], tuple[ContainerRunning, socket.socket]]:
    """Start Python code with a channel."""

    def run(code: str) -> tuple[ContainerRunning, socket.socket]:
        ours, theirs = socket.socketpair()
        ours.settimeout(60)
        (scratch := tmp_path / "scratch").mkdir()
        with theirs:
            running = box.spawn(
                [interpreter(), "-I", "-S", "-B", "-c", "import os, sys\n" + code],
                limits=LIMITS,
                cwd=scratch,
                readable=[],
                writable=[],
                scratch=scratch,
                env={},
                channel=theirs,
            )
        return running, ours

    return run


def test_channel(worker: Callable[[str], tuple[ContainerRunning, socket.socket]]) -> None:
    """Bytes of any kind go both ways, apart from what is printed; CPU time is seen from outside; it is ended well."""
    code = (
        "while os.times().user < 0.3: pass\nos.write(2, b'printed')\nwhile sent := os.read(0, 1000): os.write(1, sent)"
    )
    running, channel = worker(code)
    sent = bytes(range(256))
    with channel, running.output:
        channel.sendall(sent)
        assert channel.recv(1000) == sent
        end = time.monotonic() + 60
        while running.cpu_seconds() < 0.3:
            assert time.monotonic() < end, "0.3 s of CPU time were not seen"
            time.sleep(0.05)
        for key in (b"\x10", b"\x11"):  # ctrl-p ctrl-q: a terminal's way to leave a container
            channel.sendall(key)
            assert channel.recv(1) == key
        channel.shutdown(socket.SHUT_WR)
        assert running.wait(60) == 0
        assert running.wait() == 0
        running.kill()
        assert running.output.read() == b"printed"
        assert not running.ran_out_of_memory()


def test_leftovers_are_removed(box: Container, worker: Callable[[str], tuple[ContainerRunning, socket.socket]]) -> None:
    """A container whose owner is gone is ended by a later run; one whose owner lives is let be."""
    running, channel = worker("import time; os.write(1, b'x'); time.sleep(600)")
    with channel, running.output:
        channel.recv(1)
        tidy(box._engine)
        left = running._name.replace(f"-{os.getpid()}-", "-4194305-")  # above the largest number of a process
        box._engine.run("rename", running._name, left)
        tidy(box._engine)
        assert left not in box._engine.run("ps", "--all", "--format", "{{.Names}}").split()
        running._removed = running._killed = True  # as by `kill`, which would look for the old name
        assert running.wait() == -signal.SIGKILL


# --- the command line -------------------------------------------------------------------------------------------------

PODMAN, DOCKER = Engine("/usr/bin/podman"), Engine("/usr/bin/docker")


def pairs(options: list[str]) -> set[tuple[str, str]]:
    """(option, its value) for all that have one."""
    return set(itertools.pairwise(options))


@linux
@pytest.mark.parametrize("of", [PODMAN, DOCKER], ids=["podman", "docker"])
def test_isolation(of: Engine) -> None:
    """Every container is without network, capabilities and privileges, and limited in memory and tasks."""
    options = isolation(of, "name", LIMITS, 1_900_000_000)
    memory = str(LIMITS.memory_bytes + LIMITS.scratch_bytes)
    wanted = {
        ("--network", "none"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--ipc", "private"),
        ("--pull", "never"),
        ("--log-driver", "none"),
        ("--user", "1900000000:1900000000"),
        ("--memory", memory),
        ("--memory-swap", memory),
        ("--pids-limit", str(cgroups.most_tasks(LIMITS))),
        ("--ulimit", "core=0:0"),
    }
    assert wanted <= pairs(options)
    assert "--read-only" in options
    assert "--device" not in options
    assert ("--read-only-tmpfs=false" in options) == of.is_podman  # podman's would be writable places without a size


@linux
def test_isolation_of_an_ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user's containers run as that user, so that what they make is the user's."""
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr(os, "getgid", lambda: 100)
    for of in (PODMAN, DOCKER):
        options = isolation(of, "name", LIMITS, None)
        assert ("--user", "1000:100") in pairs(options)
        assert (("--userns", "keep-id") in pairs(options)) == of.is_podman


@linux
def test_mounts(tmp_path: Path) -> None:
    """What is shown is read-only; what is hidden in it is covered with something empty; scratch is memory."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "file").touch()
    what = View((Path("/usr/lib"),), (tmp_path / "packages", tmp_path / "file"), ())
    options = pairs(mounts(PODMAN, what, [Path("/out")], Path("/scratch"), LIMITS))
    wanted = {
        ("--mount", "type=bind,source=/usr/lib,target=/usr/lib,readonly,bind-nonrecursive=true"),
        ("--mount", f"type=bind,source=/dev/null,target={tmp_path}/file,readonly"),
        ("--mount", "type=bind,source=/out,target=/out,bind-nonrecursive=true"),
        ("--tmpfs", f"{tmp_path}/packages:ro,size=1048576,mode=555,notmpcopyup"),
        ("--tmpfs", "/scratch:rw,nosuid,nodev,size=4194304,mode=1777,notmpcopyup"),
    }
    assert wanted <= options


@linux
def test_a_name_that_would_be_an_option() -> None:
    """A comma in a path would begin another option of the mount (`,readonly=false`): it is refused."""
    with pytest.raises(GraderError, match=r"A container cannot show /a,readonly=false: its name has a comma"):
        mounts(DOCKER, View((Path("/a,readonly=false"),), (), ()), [], Path("/scratch"), LIMITS)


# --- a program that stands in for an engine ---------------------------------------------------------------------------


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Engine]]:
    """An engine that is this shell script; what it is asked stands in the file `asked`, a line each."""

    def make(script: str) -> Engine:
        program = tmp_path / "podman"
        program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv(engine.SETTING, str(program))
        container._working.cache_clear()
        return Engine(str(program))

    yield make
    container._working.cache_clear()


def test_an_engine_that_fails(fake: Callable[[str], Engine]) -> None:
    """Its last words are told."""
    with pytest.raises(GraderError, match=r"podman create` failed with status 125: Error: no space left on device"):
        fake("echo hint >&2; echo Error: no space left on device >&2; exit 125").run("create", "x")


@linux
@pytest.mark.parametrize(
    ("told", "what"),
    [
        ("permission denied while trying to connect to the Docker daemon socket", "add it to the group docker"),
        ("Cannot connect to the Docker daemon at unix:///run/docker.sock. Is it running?", "systemctl start docker"),
        ("failed: the engine did not limit the memory", "cgroup version 2"),
        ("cannot find UID/GID for user me: no subuid ranges found", "/etc/subuid"),
    ],
)
def test_why_it_cannot_be_had(told: str, what: str, fake: Callable[[str], Engine]) -> None:
    """The engine's reason and its remedy are said; nothing is started."""
    fake(f"echo '{told}' >&2; exit 1")
    why = unavailable()
    assert why is not None
    assert told in why
    assert what in why


@linux
def test_neither_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without an engine the remedy is to install one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(engine.SETTING, raising=False)
    container._working.cache_clear()
    try:
        assert unavailable() == f"neither podman nor docker is installed; {container._INSTALL}"
    finally:
        container._working.cache_clear()


def test_a_setting_that_names_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting takes podman, docker or the path of one, and says so."""
    monkeypatch.setenv(engine.SETTING, "sh")
    with pytest.raises(UsageError, match=r"GRADER_CONTAINER_ENGINE has value 'sh'; expected podman or docker"):
        engines()


def test_image_is_made_once(fake: Callable[[str], Engine], tmp_path: Path) -> None:
    """An image with nothing but the links is imported where it is not there, under a name that no registry has."""
    links = [("/lib", "usr/lib"), ("/bin", "usr/bin")]
    name = fake(f'[ "$1" = image ] && exit 1; cat >{tmp_path}/archive').image(links)
    assert name == fake("exit 0").image(links[::-1])
    assert fake("exit 0").image(links[1:]) != name
    asked = (tmp_path / "asked").read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["image", "import", "image", "image"]
    assert name.startswith("localhost/")
    with tarfile.open(tmp_path / "archive") as archive:
        assert sorted((entry.name, entry.linkname) for entry in archive) == [("bin", "usr/bin"), ("lib", "usr/lib")]


@linux
def test_a_container_that_was_never_started(fake: Callable[[str], Engine], tmp_path: Path) -> None:
    """That is our fault and no submission's; what was created is removed."""
    state = '{"Status": "created", "ExitCode": 127, "OOMKilled": false, "Pid": 0, "Error": "no such mount"}'
    broken = fake(f"case $1 in container) echo '{state}';; start) echo told >&2; exit 127;; esac")
    with pytest.raises(GraderError, match=r"could not be started by .*podman: no such mount. It printed: told"):
        run_to_end(
            Container(broken),
            ["/bin/true"],
            limits=LIMITS,
            wall_seconds=60,
            output_bytes=100,
            cwd=tmp_path,
            readable=[],
            writable=[],
            scratch=tmp_path,
            env={},
        )
    asked = [line.split()[0] for line in (tmp_path / "asked").read_text().splitlines()]
    assert asked == ["image", "create", "start", "container", "rm"]
