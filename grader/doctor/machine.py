"""The machine itself: system, memory, cores, and whether boxes start on it."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from grader import remedies
from grader.assignment import Assignment
from grader.doctor.findings import GIB, Finding
from grader.errors import HarnessError

_ROOT = Path(__file__).resolve().parents[2]


def system() -> Finding:
    """Linux, macOS, or WSL on Windows; not Windows itself."""
    found = f"{platform.system()} {platform.release()}, {platform.machine()}"
    if sys.platform == "win32":
        return Finding(
            "system", "missing", f"{found}: workers need process groups and limits of POSIX", remedies.ENTER_WSL
        )
    if remedies.system() == "wsl":
        if _ROOT.is_relative_to("/mnt"):
            what = f"{found}, in WSL; but {_ROOT} is on a disk of Windows, where builds take many times longer"
            remedy = f"move this folder into WSL's own: `cp -r . ~/{_ROOT.name} && cd ~/{_ROOT.name}`"
            return Finding("system", "warn", what, remedy)
        found += ", in WSL"
    return Finding("system", "ok", found, "")


def memory(assignment: Assignment) -> Finding:
    """Enough for the judge's PyTorch and a case beside it."""
    total = memory_bytes()
    needed = 2 * GIB + (assignment.limits.memory_mib << 20) // 2
    found = f"{total / GIB:.1f} GiB"
    if total < needed:
        what = f"{found}; expected {needed / GIB:.0f}: PyTorch, a compiler, and a case of up to "
        what += f"{assignment.limits.memory_mib / 1024:g} GiB"
        return Finding("memory", "warn", what, "grade with --jobs 1, and close other programs")
    return Finding("memory", "ok", found, "")


def memory_bytes() -> int:
    """Of the machine, or of the container where that has less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):  # version 2, version 1
        text = Path(limit).read_text().strip() if Path(limit).is_file() else ""
        if text.isdigit():
            total = min(total, int(text))
    return total


def cores() -> Finding:
    """How many may be used."""
    # sched_getaffinity knows of taskset and of most containers' limits; macOS does not have it.
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count < 2:
        return Finding("cores", "warn", "1: judging and computing take turns", "nothing to mend; a run takes longer")
    return Finding("cores", "ok", str(count), "")


def sandbox_kinds() -> tuple[str, ...]:
    """The boxes that there are."""
    try:
        from grader.sandbox import KINDS
    except ImportError:  # Windows
        return ("none",)
    return KINDS


def sandbox(kind: str) -> Finding:
    """Whether a box of that kind starts a command, under limits."""
    from grader.sandbox import Limits, open_sandbox
    from grader.sandbox.finish import run_to_end

    name = f"sandbox {kind}"
    with tempfile.TemporaryDirectory(prefix="grader-doctor-") as folder:
        try:
            done = run_to_end(
                open_sandbox(kind),
                ["/bin/sh", "-c", "echo works"],
                limits=Limits(GIB, 10, 1 << 20),
                wall_seconds=20,
                output_bytes=1000,
                cwd=Path(folder),
                readable=[],
                writable=[Path(folder)],
                env={"PATH": "/usr/bin:/bin"},
            )
        except HarnessError as error:
            return Finding(name, "missing", str(error), "use another kind with --sandbox")
    if done.status != 0 or done.output.strip() != "works":
        told = done.output.strip()[:200]
        return Finding(name, "missing", f"does not start: {told}", "use another kind with --sandbox")
    return Finding(name, "ok", "works", "")
