"""Mounts that the launcher makes for a box's user, before it becomes that user: only root can, and only root has to.

Standard library only, and nothing of the grader: see launch.py. Errors are OSError, with the path.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False  # typing's own would cost every box 7 ms
if TYPE_CHECKING:
    from collections.abc import Sequence

_INODES = 16_384  # files in memory, each with 1 KiB in the kernel that no size counts
_NEWNS = 0x00020000  # CLONE_NEWNS, linux/sched.h
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000  # linux/mount.h

_libc = ctypes.CDLL(None, use_errno=True)


def own() -> None:
    """A mount namespace of its own: nothing that is mounted from here on is seen outside."""
    _checked("unshare", _libc.unshare(_NEWNS))
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def uncover(folder: str, below: Sequence[str]) -> None:
    """Put a folder that everybody may enter in the place of one that the box's user may not, with `below` in it alone.

    A Python under root's home, a tree in a folder of mode 0700. Outer paths come first in `below`.
    """
    opened = [(path, os.open(path, os.O_PATH)) for path in below]  # before they are covered
    _tmpfs(folder, "size=1m,mode=0755")
    for path, handle in opened:
        source = f"/proc/self/fd/{handle}"
        if not os.path.lexists(path):  # else it lies in one of the others
            if os.path.isdir(source):
                os.makedirs(path, 0o755)
            else:
                os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            _mount(source, path, None, _MS_BIND | _MS_REC)
        os.close(handle)


def memory(path: str, size: int, user: int) -> None:
    """Put an empty folder in memory, of so many bytes, that belongs to `user`, in the place of `path`."""
    _tmpfs(path, f"size={size},nr_inodes={_INODES},mode=0700,uid={user},gid={user}")


def _tmpfs(path: str, options: str) -> None:
    _mount("box", path, "tmpfs", _MS_NOSUID | _MS_NODEV, options)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    words = [None if word is None else word.encode() for word in (source, target, kind, data)]
    _checked(target, _libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]))


def _checked(what: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
