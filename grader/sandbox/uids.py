"""Whom a box runs as when we are root: a number that belongs to nobody, another one for each box.

A number of its own keeps boxes apart that run at once: no signals, no ptrace, no reading of each other's files; it owns
nothing outside, so a root-owned 0600 file stays shut; and RLIMIT_NPROC counts this one box. A name that the machine
knows ("nobody") would give all that up, and whatever belongs to it.
"""

from __future__ import annotations

import os
import pwd
import random
from pathlib import Path

from grader.errors import GraderError

# Up to here Linux distributions and systemd give numbers away: users, subordinate ids, containers
# (https://systemd.io/UIDS-GIDS); above 2^31 numbers are negative to some programs.
FREE = range(1_879_048_192, 2_147_483_647)
_TOP = 4096  # numbers at the end of a smaller range, as a container has it: distributions fill theirs from below


def is_root() -> bool:
    """Whether boxes run as another user than we do."""
    return os.geteuid() == 0


def unused_uid(uid_map: str | None = None) -> int:
    """A random user number, also for a group, that no account has and no process uses. Raises GraderError.

    uid_map: the text of /proc/self/uid_map (user_namespaces(7)): in a container not every number is mapped.
    """
    text = Path("/proc/self/uid_map").read_text() if uid_map is None else uid_map
    allowed = candidates(text)
    for _ in range(100):
        uid = random.SystemRandom().choice(allowed)
        if not _is_known(uid) and not _is_used(uid, allowed):
            return uid
    raise GraderError(
        "No user number is free for a box: every one that was tried has an account or a process. "
        "Map more numbers into this container (podman --subuidname, or /etc/subuid)."
    )


def candidates(uid_map: str) -> range:
    """The numbers to choose from. Raises GraderError where only our own is mapped."""
    mapped = [
        range(first, first + count) for first, _, count in (map(int, line.split()) for line in uid_map.splitlines())
    ]
    for numbers in mapped:
        common = range(max(numbers.start, FREE.start), min(numbers.stop, FREE.stop))
        if len(common) >= _TOP:
            return common
    widest = max(mapped, key=len, default=range(0))
    top = range(max(widest.start, 1000, widest.stop - _TOP), widest.stop)
    if not top:
        raise GraderError(
            "This container knows no users but root, so a box could not run as another one. "
            "Start it with a range of user numbers (/etc/subuid), or run the grader as an ordinary user."
        )
    return top


def _is_known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _is_used(uid: int, among: range) -> bool:
    """Whether a process has that number. Not looked for among a quarter of a billion: no two draws meet there."""
    if among.stop - 1 in FREE and len(among) > 1 << 20:
        return False
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == uid:
                    return True
            except FileNotFoundError:
                continue
    return False
