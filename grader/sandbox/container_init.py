"""The first process of a container: starts the launcher as its child, waits for it, and tells how it ended.

Run by `python -I -S -E` inside the container; standard library only. The command cannot be the first process itself:
the kernel ignores signals that such a one sends itself, so that abort() would not end it with SIGABRT. And somebody
has to tell a launcher that failed, which is our fault, from a command that prints the same words. So only this
process, which runs nothing of a submission, gives the status BROKEN.
"""

from __future__ import annotations

import base64
import ctypes
import marshal
import os
import sys

BROKEN = 125  # the box could not be made. An engine's own faults have this status as well (podman-run(1))
OUT_OF_MEMORY = 126  # the kernel ended a process of the container; podman 4.3 does not tell that of all but this one
CLAMPED = 124  # what becomes of a command's exit status from BROKEN to 128: those speak of the engine and the box
# This container's own limits, version 2 and 1.
_MEMORY = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_TASKS = ("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max")
# This container's own counter of processes ended for want of memory, version 2 and 1; both lines read "oom_kill N".
_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_PR_SET_DUMPABLE = 4  # linux/prctl.h


def main(spec: str, folder: str, memory: str, tasks: str) -> None:
    """spec: see `boxed.Spec`, marshalled, in base64; folder: where launch.py lies. Never returns.

    memory, tasks: the limits that the engine was asked for. Where they do not hold nothing is started:
    podman without root on cgroup version 1 warns and goes on without them.
    """
    for what, files, limit in (("memory", _MEMORY, memory), ("tasks", _TASKS, tasks)):
        if not _holds(files, int(limit)):
            os.write(2, f"failed: the engine did not limit the container's {what}".encode())
            os._exit(BROKEN)
    sys.path.append(folder)
    import launch  # type: ignore[import-not-found]  # beside this file, by its own name

    status_read, status_write = os.pipe()
    spec_read, spec_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(status_read)
        os.close(spec_write)
        launch.main(spec_read)  # never returns
    # The command runs as the same user, and a process that is not dumpable can be neither traced nor written to by it.
    # The launcher cannot have become the command yet: it waits for its spec. And it must not inherit this: its own
    # files in /proc would be closed to it.
    if ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        os._exit(BROKEN)
    with os.fdopen(spec_write, "wb") as stream:
        marshal.dump(marshal.loads(base64.b64decode(spec)) | {"status": status_write}, stream)
    os.close(status_write)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)  # the channel is the command's alone
    os.dup2(null, 1)
    told = b""
    while part := os.read(status_read, 1 << 12):  # to its end: then the launcher has become the command, or has ended
        told += part
    ended = status = 0
    while ended != child:  # others are those whose parents have ended
        ended, status = os.wait()
    result = os.waitstatus_to_exitcode(status)
    if told == launch.READY.encode() or result < 0:
        os._exit(
            OUT_OF_MEMORY if _ran_out_of_memory() else _code(result)
        )  # and the kernel ends whatever is left in the container
    os.write(2, told)
    os._exit(BROKEN)


def _holds(files: tuple[str, str], limit: int) -> bool:
    for name in files:
        if os.path.exists(name):
            with open(name) as file:
                value = file.read().strip()
            return value.isdigit() and int(value) <= limit  # "max": no limit
    return False


def _ran_out_of_memory() -> bool:
    for counter in _COUNTERS:
        if os.path.exists(counter):
            with open(counter) as file:
                return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in file)
    return False


def _code(result: int) -> int:
    """An exit status for a command's: 128 + n for signal n, as shells have it."""
    if result < 0:
        return 128 - result
    return CLAMPED if BROKEN <= result <= 128 else result
