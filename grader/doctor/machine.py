"""The machine itself: system, memory, cores, and whether boxes start on it."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from grader import remedies
from grader.assignment import Assignment
from grader.doctor.findings import GIB, Finding

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
    from grader.sandbox import KINDS

    return KINDS


def sandbox(kind: str) -> Finding:
    """Whether boxes of that kind can be had, tried out; "none" is always there.

    What cannot be had is a warning only where there is no real box at all: nobody needs two.
    """
    from grader.sandbox import AUTO, choose, unavailable

    name = f"sandbox {kind}"
    best = choose(AUTO).kind
    why = unavailable(kind)
    if why is None:
        taken = ", and is what --sandbox auto takes" if kind == best else ""
        return Finding(name, "ok", f"works{taken}{_but(kind)}", "")
    if best != "none":
        needed = f"{best} takes its place, which hides less" if kind == "bubblewrap" else "and not needed"
        return Finding(name, "ok", f"not here, {needed}: {why}", "")
    reason, _, remedy = why.partition("; ")
    remedy = remedy or "grade what strangers hand in on a Linux machine"
    return Finding(name, "warn", f"cannot be had: {reason}", remedy)


def _but(kind: str) -> str:
    """What a kind that works does not do here, as the end of a sentence."""
    if kind == "none":
        return "; it is no box, but limits and a clean environment: enough for a tree of your own"
    if kind in ("bubblewrap", "landlock"):  # containers have their engine's
        from grader.sandbox import cgroups

        if (why := cgroups.unavailable()) is not None:
            reason, _, remedy = why.partition("; ")
            return f"; memory is limited for each process, not for a box as a whole: {reason} (to have both, {remedy})"
    return ""
