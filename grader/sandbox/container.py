"""The box of docker or podman: each command in a container of its own, with no network and nothing that it could keep.

The image is empty (`Engine.image`): the container shows the same of this machine's files as the other kinds, read-only
(view.py). Inside, `container_init` and the launcher set limits and seccomp as everywhere, on top of the engine's own
seccomp profile. Nothing is relabelled for SELinux, which would change the caller's files for good; where it is enabled
containers run with `label=disable`, so that they can read them.

A container is created, then started, then removed by us: not `run --rm`. What the engine cannot do is known before
anything of a submission runs, and how it ended can still be asked. Files of all of `writable` together are bounded by
the disk only. A container takes some 0.4 s to start and 0.2 s to end, ten times what bubblewrap takes.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import marshal
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from grader.errors import GraderError, UsageError
from grader.sandbox import boxed, cgroups, confine, container_init, launch, process_tree, seccomp
from grader.sandbox.base import Limits
from grader.sandbox.engine import Engine, engines, remedy
from grader.sandbox.none import PlainRunning, start
from grader.sandbox.trial import try_box
from grader.sandbox.uids import is_root, unused_uid
from grader.sandbox.view import View, interpreter, view

_SMALL = 1 << 20  # bytes of the places that are nobody's business to write to
_SHARED = 16 << 20  # bytes of /tmp and of /dev/shm; temporary files belong in `scratch`
FOUND = "GRADER_CONTAINER_ENGINE_FOUND"  # environment variable: the program of the engine that was tried and works
_LABEL = "grader.box"  # by which containers of crashed runs are found
_LOOK = 0.5  # seconds between two questions for a container's process: each is a process of its own, of 0.05 s
_HANG_UP = 10.0  # seconds for the engine's client to see that its container is gone
_INSTALL = "run `apt-get install podman` (Debian, Ubuntu) or `dnf install podman` (Fedora)"


class Container:
    """The box named "container"."""

    name = "container"

    def __init__(self, engine: Engine | None = None) -> None:
        """Of that engine, else of the one that was found to work, else of the first that does.

        Raises GraderError where there is none: see `unavailable`.
        """
        found = engine or _found_before() or _working()
        if isinstance(found, str):
            raise GraderError(f"No containers: {found}.")
        self._engine = found

    def spawn(
        self,
        command: Sequence[str],
        *,
        limits: Limits,
        cwd: Path,
        readable: Sequence[Path],
        writable: Sequence[Path],
        scratch: Path,
        env: Mapping[str, str],
        channel: socket.socket | None = None,
    ) -> ContainerRunning:
        """See Sandbox."""
        return _spawn(self._engine, command, limits, cwd, readable, writable, scratch, env, channel)


class ContainerRunning:
    """A command in its container, as a base.Running."""

    def __init__(self, engine: Engine, name: str, client: subprocess.Popen[bytes]) -> None:
        """client: the engine's program whose streams are the container's."""
        self._engine = engine
        self._name = name
        self._client = client
        self._plain = PlainRunning(client)
        self.output: IO[bytes] = self._plain.output
        self._state: dict[str, Any] | None = None  # as the engine told it, once the container has ended
        self._killed = False  # by us, and not after its own end
        self._removed = False
        self._pid = 0  # of its first process, on this machine; 0: not known
        self._looked = 0.0  # when it was last asked for
        self._used = 0.0  # CPU time

    def ended(self) -> bool:
        """See Running."""
        return self._plain.ended()

    def kill(self) -> None:
        """See Running. The container, not only its client: with its first process all others are ended."""
        if self._removed:
            return
        if self.ended():
            self._last_state()
        else:
            self._killed = True
        self._remove()

    def wait(self, timeout: float | None = None) -> int:
        """See Running. When it returns the container is gone."""
        if self._killed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._client.wait(_HANG_UP)
            self._plain.kill()
            self._client.wait()
            return -signal.SIGKILL
        self._client.wait(timeout)
        state = self._last_state()
        self._remove()
        code = int(state["ExitCode"])
        if state["Status"] not in ("exited", "stopped") or code == container_init.BROKEN:
            told = state.get("Error") or f"state {state['Status']}, exit status {code}"
            raise GraderError(f"A container could not be started by {self._engine.program}: {told}.")
        if code == container_init.OUT_OF_MEMORY:
            return -signal.SIGKILL
        return 128 - code if 128 < code < 128 + signal.NSIG else code

    def cpu_seconds(self) -> float:
        """See Running: of the container's control group, or of its processes."""
        if self._pid == 0 and time.monotonic() > self._looked + _LOOK and not self.ended():
            self._looked = time.monotonic()
            with contextlib.suppress(GraderError):  # removed in this moment, by `kill` in another thread
                self._pid = int(self._inspect()["Pid"])
        if self._pid > 0 and not self.ended():
            used = cgroups.cpu_seconds_around(self._pid)
            self._used = max(self._used, process_tree.cpu_seconds(self._pid) if used is None else used)
        return self._used

    def ran_out_of_memory(self) -> bool:
        """See Running."""
        if self._state is None and not self._removed and self.ended():
            self._last_state()
        if self._state is None:
            return False
        return bool(self._state["OOMKilled"]) or self._state["ExitCode"] == container_init.OUT_OF_MEMORY

    def _last_state(self) -> dict[str, Any]:
        if self._state is None:
            self._state = self._inspect()
        return self._state

    def _inspect(self) -> dict[str, Any]:
        told = self._engine.run("container", "inspect", "--format", "{{json .State}}", self._name)
        state: dict[str, Any] = json.loads(told)
        return state

    def _remove(self) -> None:
        if not self._removed:
            remove(self._engine, self._name)
            self._removed = True


def remove(engine: Engine, name: str) -> None:
    """End a container at once and remove it, with all that was written in it. Raises GraderError."""
    at_once = ["--time", "0"] if engine.is_podman else []  # docker always kills
    engine.run("rm", "--force", "--volumes", *at_once, name)


def _spawn(
    engine: Engine,
    command: Sequence[str],
    limits: Limits,
    cwd: Path,
    readable: Sequence[Path],
    writable: Sequence[Path],
    scratch: Path,
    env: Mapping[str, str],
    channel: socket.socket | None,
) -> ContainerRunning:
    user = unused_uid() if is_root() else None
    if user is not None:
        for folder in writable:
            boxed.give(folder, user)
    spec = boxed.Spec(
        command=command,
        env=env,
        cwd=cwd,
        limits=limits,
        count_processes=user is not None,
        seccomp=seccomp.program(forks=limits.processes > 1, gpu=limits.gpu),
    )
    what = view([*readable, *map(Path, (container_init.__file__, launch.__file__, confine.__file__))])
    name = cgroups.new_name()
    engine.run(
        "create",
        *(["--interactive"] if channel is not None else []),
        *isolation(engine, name, limits, user),
        *mounts(engine, what, writable, scratch, limits),
        engine.image(what.links),
        *_first_process(spec, limits),
    )
    attach = ["--attach", *(["--interactive"] if channel is not None else [])]
    # podman lets go of a container when it is sent the bytes 16 and 17 one by one (ctrl-p ctrl-q), terminal or not.
    attach += ["--detach-keys", ""] if engine.is_podman else []
    try:
        client = start([engine.program, "start", *attach, name], Path("/"), os.environ, channel)
    except BaseException:
        remove(engine, name)
        raise
    return ContainerRunning(engine, name, client)


def _first_process(spec: boxed.Spec, limits: Limits) -> list[str]:
    """The container's command."""
    folder = str(Path(container_init.__file__).parent)
    told = base64.b64encode(marshal.dumps(boxed.for_launcher(spec, None, -1, kept=False))).decode()
    boot = "import sys; sys.path.append(sys.argv[2]); import container_init; container_init.main(*sys.argv[1:])"
    return [
        interpreter(),
        "-I",
        "-S",
        "-E",
        "-c",
        boot,
        told,
        folder,
        str(cgroups.most_memory(limits)),
        str(cgroups.most_tasks(limits)),
    ]


def isolation(engine: Engine, name: str, limits: Limits, user: int | None) -> list[str]:
    """Options that separate a container from this machine. user: whom it runs as; None: us."""
    options = [
        *("--name", name, "--label", _LABEL),
        *("--pull", "never", "--log-driver", "none"),  # a log would keep on disk whatever a worker answers and prints
        *("--network", "none", "--ipc", "private", "--hostname", "box"),
        *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--user", f"{os.getuid()}:{os.getgid()}" if user is None else f"{user}:{user}"),
        *("--pids-limit", str(cgroups.most_tasks(limits))),
        # The launcher sets limits, too. These are for what runs before it, and podman's own may be above our hard ones.
        *("--ulimit", "core=0:0", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"),
    ]
    memory = str(cgroups.most_memory(limits))
    options += ["--memory", memory, "--memory-swap", memory]  # the second one includes the first: no swap
    if engine.is_podman:
        options += ["--read-only-tmpfs=false", "--no-hosts", "--http-proxy=false"]
        options += ["--userns", "keep-id"] if user is None else []
    if Path("/sys/fs/selinux/enforce").exists():
        options += ["--security-opt", "label=disable"]
    if limits.gpu:
        for path in sorted(Path("/dev").glob("nvidia*")):
            options += ["--device", str(path)]
    return options


def mounts(engine: Engine, what: View, writable: Sequence[Path], scratch: Path, limits: Limits) -> list[str]:
    """Options for what a container shows, and where it may write. Engines mount outer folders first."""
    options = ["--shm-size", str(_SHARED)]
    for place, size in ((Path("/tmp"), _SHARED), (scratch, limits.scratch_bytes)):
        options += _memory(engine, place, f"rw,nosuid,nodev,size={size},mode=1777")
    for path in what.shown:
        options += ["--mount", f"type=bind,{_from_to(path, path)},readonly,bind-nonrecursive=true"]
    for path in what.hidden:
        if path.is_dir():
            options += _memory(engine, path, f"ro,size={_SMALL},mode=555")
        else:
            options += ["--mount", f"type=bind,{_from_to(Path(os.devnull), path)},readonly"]
    for path in writable:
        options += ["--mount", f"type=bind,{_from_to(path, path)},bind-nonrecursive=true"]
    return options


def _memory(engine: Engine, path: Path, options: str) -> list[str]:
    # podman would fill it with what it covers: with all the packages that are to be hidden.
    return ["--tmpfs", f"{path}:{options}" + (",notmpcopyup" if engine.is_podman else "")]


def _from_to(source: Path, target: Path) -> str:
    for path in (source, target):
        if any(sign in str(path) for sign in ',"\n\r'):
            raise GraderError(f"A container cannot show {path}: its name has a comma, a quote or a line break.")
    return f"source={source},target={target}"


# --- whether it works here ---


def unavailable() -> str | None:
    """Why there can be no such box here, and what would help; None where one was started and ended well."""
    found = _working()
    return found if isinstance(found, str) else None


def _found_before() -> Engine | None:
    """The engine that a process found which started this one."""
    program = os.environ.get(FOUND)
    return None if program is None else Engine(program)


@functools.cache
def _working() -> Engine | str:
    """The first engine that works; or why there is none."""
    if sys.platform != "linux":
        return "containers that show this machine's files need Linux"
    if not seccomp.supported():
        return f"there is no seccomp filter for {os.uname().machine}"
    try:
        installed = engines()
    except UsageError as error:
        return str(error).removesuffix(".")
    reasons = []
    for engine in installed:
        try:
            tidy(engine)
            why = try_box(Container(engine), f"a container of {engine.program}")
        except GraderError as error:
            why = f"{str(error).removesuffix('.')}; {remedy(str(error))}"
        if why is None:
            os.environ[FOUND] = engine.program  # for the judges, whom this process starts: see `open_sandbox`
            return engine
        reasons.append(why)
    return "; ".join(reasons) or f"neither podman nor docker is installed; {_INSTALL}"


def tidy(engine: Engine) -> None:
    """Remove the containers of judges that are gone: one that was killed could not do it itself."""
    for name in engine.run("ps", "--all", "--filter", f"label={_LABEL}", "--format", "{{.Names}}").split():
        if cgroups.owner_is_gone(name):
            with contextlib.suppress(GraderError):  # somebody else removes it at the same time
                remove(engine, name)
