"""The first program of a box's process: does to itself what the spec says, then becomes the command.

It runs in the new child by `python -I -S -E` (`boxed.start`), with the standard library alone and as little of it as
possible: its start is part of every box's. A Popen with a preexec_fn would do all this between fork and exec of a judge
with threads, which can deadlock; and the judge itself must not change its mounts or its user.

What goes wrong is written to the status pipe, and the command is not run. Nothing is ever left out: a box that is
weaker than asked for must not start.
"""

from __future__ import annotations

import marshal
import os
import resource

TYPE_CHECKING = False  # typing's own would cost every box 7 ms
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

READY = "ready\n"  # what the status pipe gets when all is done
FAILED = "failed: "  # how the reason begins where it is not


def main(descriptor: int) -> None:
    """Read the spec (see `boxed.Spec`) from `descriptor`, obey it, and become its command."""
    with open(descriptor, "rb") as stream:
        spec: dict[str, Any] = marshal.load(stream)  # json would cost 4 ms; the judge wrote it, nobody else could
    status: int = spec["status"]
    try:
        os.set_inheritable(status, spec["status_kept"])
        launch(spec)
    except Exception as error:  # all of them are ours, and go where the judge looks
        told = f"{error.strerror} ({error.filename})" if isinstance(error, OSError) and error.filename else repr(error)
        os.write(status, f"{FAILED}{spec['doing']}: {told}".encode()[:4000])
        os._exit(125)


def launch(spec: dict[str, Any]) -> None:
    """Each step, in an order that leaves the right to do the next. Raises OSError; spec["doing"] says at what."""
    if spec["landlock"] is not None or spec["seccomp"] is not None:
        import confine  # type: ignore[import-not-found]  # noqa: F401  # now: the box's user may not be able to read it
    spec["doing"] = "joining its control group"
    for path in spec["joins"]:  # before anything is used up
        with open(path, "w") as file:
            file.write("0")
    spec["doing"] = "making itself the first to be killed where memory runs out"
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    os.umask(0o022)
    if spec["uncover"] or spec["memory"]:
        spec["doing"] = "mounting what the box shows"
        import mounts  # type: ignore[import-not-found]  # beside this file; its ctypes would cost every box 4 ms

        mounts.own()
        for folder, below in spec["uncover"]:
            mounts.uncover(folder, below)
        if spec["memory"]:
            path, size = spec["memory"]
            mounts.memory(path, size, spec["user"])
    spec["doing"] = "setting its limits"
    for which, soft, hard in spec["limits"]:
        _lower(which, soft, hard)
    if spec["user"] is not None:
        spec["doing"] = f"becoming user {spec['user']}"
        os.setgroups([])
        os.setresgid(spec["user"], spec["user"], spec["user"])
        os.setresuid(spec["user"], spec["user"], spec["user"])
    if spec["landlock"] is not None or spec["seccomp"] is not None:
        restrict(spec)
    spec["doing"] = f"entering {spec['cwd']}"
    os.chdir(spec["cwd"])
    spec["doing"] = f"starting {spec['command'][0]}"
    os.write(spec["status"], READY.encode())
    os.execve(spec["command"][0], spec["command"], spec["env"])


def restrict(spec: Mapping[str, Any]) -> None:
    """Landlock and seccomp by this process itself: for a box without bubblewrap, which does the latter on its own."""
    import confine  # beside this file, and found by sys.path; loaded by `launch`

    if spec["dies_with"] is not None:
        confine.die_with(spec["dies_with"])  # not before the change of the user, which makes the kernel forget it
    confine.no_new_privs()
    if spec["landlock"] is not None:
        confine.restrict_files(spec["landlock"])
    if spec["seccomp"] is not None:
        confine.filter_calls(spec["seccomp"])


def _lower(which: int, soft: int, hard: int) -> None:
    """Set both limits; where the hard one is lower already it stands."""
    stands = resource.getrlimit(which)[1]
    if stands != resource.RLIM_INFINITY:
        hard = min(hard, stands)
    resource.setrlimit(which, (min(soft, hard), hard))
