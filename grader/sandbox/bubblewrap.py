"""The box of bubblewrap: namespaces, a file system of its own, a user of its own, seccomp, control groups.

`bwrap` is called by nobody but a process without any rights. Its own `--uid` as root would be no drop: a root-owned
0600 file stays readable and RLIMIT_NPROC is ignored. So as root the launcher first becomes a user that nobody is, and
what that user could not reach (a Python under a 0700 home, a tree in a 0700 folder) it uncovers before.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from grader.errors import GraderError
from grader.sandbox import boxed, seccomp
from grader.sandbox.base import Limits
from grader.sandbox.cgroups import most_tasks
from grader.sandbox.trial import try_box
from grader.sandbox.uids import is_root, unused_uid
from grader.sandbox.view import View, interpreter, view

_OLDEST = (0, 8, 0)  # the first with --disable-userns
_DEVICES = ("null", "zero", "full", "random", "urandom")  # of /dev; no tty, no ptmx
_SMALL = 1 << 20  # bytes of the places that are nobody's business to write to
_SHARED = 16 << 20  # bytes of /tmp and of /dev/shm; temporary files belong in `scratch`

# Every namespace there is but the one of time. The user namespace is asked for by name: else --disable-userns is
# refused, and with it off a submission could make a user namespace of its own and be root in there, with all of the
# kernel's code for root to try.
_ISOLATION = (
    "--unshare-user",
    "--disable-userns",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-net",
    "--unshare-cgroup",
    "--hostname",
    "box",
    "--new-session",
    "--die-with-parent",
)


class Bubblewrap:
    """The box named "bubblewrap"."""

    name = "bubblewrap"

    def __init__(self) -> None:
        """Raises GraderError where there is no bwrap; `choice.unavailable` tells whether it works."""
        found = program()
        if found is None:
            raise GraderError("bubblewrap (bwrap) is not on PATH.")
        self._bwrap = found

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
    ) -> boxed.BoxRunning:
        """See Sandbox."""
        user = unused_uid() if is_root() else None
        what = view(readable)
        if user is not None:
            boxed.check_modes(readable)
            for folder in writable:
                boxed.give(folder, user)
        options = [
            *_ISOLATION,
            *_places(),
            *_devices(limits),
            *_contents(what),
            *_own(writable, scratch, limits),
            *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(cwd)),
        ]
        filtered = seccomp.program(forks=limits.processes > 1, gpu=limits.gpu)
        if user is None:
            command = [*_counting_processes(limits), *command]
        with contextlib.ExitStack() as files:
            status = boxed.StatusPipe()
            files.callback(status.close)
            filter_file = files.enter_context(_memory_file("seccomp", filtered))
            options += ["--seccomp", str(filter_file), "--json-status-fd", str(status.write_end)]
            # Options in a file: the command line can be read in the box, in /proc/1/cmdline.
            options_file = files.enter_context(
                _memory_file("options", "\0".join(options).encode("utf-8", "surrogateescape"))
            )
            spec = boxed.Spec(
                command=[self._bwrap, "--args", str(options_file), "--", *command],
                env=env,
                cwd=Path("/"),
                limits=limits,
                uncover=boxed.closed_folders([*what.shown, *writable]) if user is not None else (),
                user=user,
                count_processes=user is not None,
            )
            return boxed.spawn(spec, channel, status, reports=True, files=[filter_file, options_file])


def program() -> str | None:
    """The path of bwrap; None where there is none."""
    found = shutil.which("bwrap")
    return os.path.realpath(found) if found else None


def _places() -> list[str]:
    """What every system has: /proc with the box's own processes, and a /tmp.

    Of the processes not bubblewrap's init, number 1. It has the command's user, so its memory could be written by way
    of /proc/1/mem, which no filter of system calls sees; and with other code in it, it need not die with the judge.
    """
    hidden = ["--perms", "0555", "--size", str(_SMALL), "--tmpfs", "/proc/1", "--remount-ro", "/proc/1"]
    return ["--perms", "1777", "--size", str(_SHARED), "--tmpfs", "/tmp", "--proc", "/proc", *hidden]


def _devices(limits: Limits) -> list[str]:
    """A /dev with what programs cannot do without, and with the GPUs if they are needed."""
    options = ["--size", str(_SMALL), "--tmpfs", "/dev"]
    paths = [f"/dev/{name}" for name in _DEVICES]
    if limits.gpu:
        paths += sorted(str(path) for path in Path("/dev").glob("nvidia*"))
    for path in paths:
        options += ["--dev-bind", path, path]
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        options += ["--symlink", f"/proc/self/fd{target}", f"/dev/{name}"]
    return [*options, "--perms", "1777", "--size", str(_SHARED), "--tmpfs", "/dev/shm"]


def _contents(what: View) -> list[str]:
    """What is shown, less what is hidden; outer folders first, for what is mounted later lies on top."""
    hidden = set(what.hidden)
    options: list[str] = []
    seals: list[str] = []
    for path in sorted({*what.shown, *hidden}, key=lambda path: (len(path.parts), path not in what.shown)):
        if path in what.shown:
            options += ["--ro-bind", str(path), str(path)]
        elif path.is_dir():
            options += ["--size", str(_SMALL), "--tmpfs", str(path)]
            seals += ["--remount-ro", str(path)]  # later: there may be something to be shown below
        else:
            options += ["--ro-bind", "/dev/null", str(path)]
    for link, target in what.links:
        options += ["--symlink", target, link]
    return options + seals


def _own(writable: Sequence[Path], scratch: Path, limits: Limits) -> list[str]:
    """Where the command may write."""
    options = ["--perms", "0700", "--size", str(limits.scratch_bytes), "--tmpfs", str(scratch)]
    for path in writable:
        options += ["--bind", str(path), str(path)]
    return options


def _counting_processes(limits: Limits) -> list[str]:
    """A program that lowers RLIMIT_NPROC inside the box, and becomes the command.

    Set outside by an ordinary user it would count all processes of that user. Inside it counts those of the box's user
    namespace, since Linux 5.14 (ucounts); before, the same number would be compared with all of the user's again.
    """
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if release is None or (int(release[1]), int(release[2])) < (5, 14):
        return []
    code = "import os, resource, sys; n = int(sys.argv[1]); resource.setrlimit(resource.RLIMIT_NPROC, (n, n)); "
    code += "os.execv(sys.argv[2], sys.argv[2:])"
    return [interpreter(), "-I", "-S", "-E", "-c", code, str(most_tasks(limits))]


@contextlib.contextmanager
def _memory_file(name: str, content: bytes) -> Iterator[int]:
    """The descriptor of a file without a place, ready to be read."""
    descriptor = os.memfd_create(name)
    try:
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


# --- whether it works here ---


def unavailable() -> str | None:
    """Why there can be no such box here, and what would help; None where one was started and ended well."""
    if sys.platform != "linux":
        return "bubblewrap needs Linux"
    if not seccomp.supported():
        return f"there is no seccomp filter for {os.uname().machine}"
    found = program()
    if found is None:
        return f"bubblewrap is not installed; {_INSTALL}"
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    if version is None or tuple(map(int, version.groups())) < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        return f"{found} says {said.strip()!r}, and version {wanted} or later is needed; {_INSTALL}"
    try:
        return try_box(Bubblewrap())
    except GraderError as error:
        return f"{str(error).removesuffix('.')}; {_remedy(str(error))}"


_INSTALL = "run `apt-get install bubblewrap` (Debian, Ubuntu) or `dnf install bubblewrap` (Fedora)"


def _remedy(told: str) -> str:
    """What to do about bwrap's or the launcher's words."""
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return "in a container use --sandbox landlock, or start it with --security-opt seccomp=unconfined and SYS_ADMIN"
    if "uid map" in told and Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").exists():
        return "Ubuntu lets only programs with an AppArmor profile make user namespaces: give bwrap one, or run as root"
    return "user namespaces must be allowed (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1)"
