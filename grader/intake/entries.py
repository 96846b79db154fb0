"""What intake reads from: entries of a folder or an archive, one after the other, under caps."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

# A folder is walked by descriptors, every name looked up in the folder that is open: its owner, who may still be
# writing to it, can put a link to somebody else's file in the place of a folder between a look at it and its opening.
# NONBLOCK and NOCTTY: what is a pipe or a terminal by now is opened at most, and never waited for.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Refused(Exception):
    """A submission cannot be staged; the text goes on from its name: "holds /etc/passwd, an absolute name"."""


@dataclass(frozen=True)
class Caps:
    """How much a submission may hold. An honest one: some 60 files, 0.5 MB; generous, because it may keep results."""

    bytes: int = 256 << 20  # of all staged files
    file_bytes: int = 64 << 20  # of a staged file
    files: int = 5_000  # staged
    entries: int = 100_000  # looked at, whether staged or not: an environment that came along has 40,000
    depth: int = 32  # folders
    path_bytes: int = 1000  # of a staged file's name with its folders; systems take 4096, our own folders included
    part_bytes: int = 255  # of a name without its folders: what file systems take
    archive_bytes: int = 1 << 30  # of an archive as it is handed in: the data sets may have come along
    unpacked_bytes: int = 4 << 30  # that an archive may unpack to, whether staged or not
    ratio: int = 200  # unpacked to packed; source text reaches 10, a zip bomb 1000 and more
    seconds: int = 300  # for going through an archive, twice; the largest honest one takes 20 s
    ratio_from: int = 32 << 20  # unpacked bytes from which the ratio counts


CAPS = Caps()


@dataclass(frozen=True)
class Entry:
    """One thing in a folder or an archive."""

    path: str  # relative, with "/", without "." and ".."
    kind: str  # "file", or what else it is, in words: "a link", "a device or pipe"
    open: Callable[[], IO[bytes]]  # its content; only for a file, and only until the next entry is asked for

    def named(self, path: str) -> Entry:
        """The same entry under another path."""
        return replace(self, path=path)


class Source(Protocol):
    """A folder, an archive or a commit."""

    def has(self, paths: Sequence[str]) -> bool:
        """Whether all of these are known to be files at its top, without going through all of it."""
        ...

    def entries(self, wanted: Callable[[str], bool]) -> Iterator[Entry]:
        """What is neither a folder nor in a folder that `wanted` declines, in the order in which it lies there.

        Raises Refused for what no honest submission holds, and where a cap is passed.
        """
        ...


class FolderSource:
    """A folder. No link in it is followed, so that it gives what an archive of it gives."""

    def __init__(self, folder: Path, caps: Caps) -> None:
        self._folder = folder
        self._caps = caps

    def has(self, paths: Sequence[str]) -> bool:
        """See Source."""
        ways = {str(way) for path in paths for way in (path, *PurePosixPath(path).parents)}
        return not any((self._folder / way).is_symlink() for way in ways - {"."}) and all(
            (self._folder / path).is_file() for path in paths
        )

    def entries(self, wanted: Callable[[str], bool]) -> Iterator[Entry]:
        """See Source; sorted by name."""
        try:
            top = os.open(self._folder, _FOLDER)  # a link to a folder is followed here: the caller has named it
        except OSError as error:
            raise Refused(f"is a folder that cannot be read ({error.strerror})") from None
        yield from _Walk(self._caps, wanted, os.fstat(top).st_uid).below(top, "")


class _Walk:
    """One way through a folder."""

    def __init__(self, caps: Caps, wanted: Callable[[str], bool], owner: int) -> None:
        self._caps = caps
        self._wanted = wanted
        self._owner = owner  # of the top
        self._count = 0

    def below(self, folder: int, prefix: str) -> Iterator[Entry]:
        """The entries of an open folder, which is closed at the end; prefix: its path with a final "/", or ""."""
        try:
            if prefix.count("/") >= self._caps.depth:
                raise Refused(f"holds {shown(prefix)}, more than {self._caps.depth} folders deep")
            for name in self._listed(folder, prefix):
                path = f"{prefix}{name}"
                if not self._wanted(path):
                    continue
                status = _status(folder, name, path)
                if stat.S_ISDIR(status.st_mode):
                    yield from self.below(_open(folder, name, path, _FOLDER | os.O_NOFOLLOW), f"{path}/")
                else:
                    kind = self._kind(status)
                    yield Entry(path, kind, _opener(folder, name, path) if kind == "file" else _nothing)
        finally:
            os.close(folder)

    def _listed(self, folder: int, prefix: str) -> list[str]:
        room = self._caps.entries - self._count
        try:
            with os.scandir(folder) as items:  # no more of them than are allowed: a folder can have a billion
                names = [item.name for item in islice(items, room + 1)]
        except OSError as error:
            raise Refused(f"has the folder {shown(prefix or '.')}, which cannot be read ({error.strerror})") from None
        if len(names) > room:
            raise Refused(f"holds more than {self._caps.entries} entries; expected the folder of one tree")
        self._count += len(names)
        return sorted(names)

    def _kind(self, status: os.stat_result) -> str:
        if stat.S_ISLNK(status.st_mode):
            return "a link"
        if not stat.S_ISREG(status.st_mode):
            return "a device, pipe or socket"
        # A second name for a file of somebody else, which the instructor may read and the student may not: the answers.
        # One's own hard links are harmless, and backup tools make them.
        if status.st_nlink > 1 and status.st_uid != self._owner:
            return "a hard link to another user's file"
        return "file"


def shown(path: str) -> str:
    """A name fit for a message: on one line, printable, not too long."""
    text = path if path.isprintable() else ascii(path)[1:-1]
    return text if len(text) <= 120 else f"{text[:117]}..."


def open_inside(top: int, path: str) -> int | None:
    """A descriptor of the regular file at `path` below an open folder, no link followed; None where there is none.

    Raises Refused where it is there and cannot be read.
    """
    folder, _, name = path.rpartition("/")
    with _inside(top, folder, path) as current:
        if current is None or not stat.S_ISREG(os.stat(name, dir_fd=current, follow_symlinks=False).st_mode):
            return None
        return _regular(os.open(name, _FILE, dir_fd=current), path)
    return None


def names_inside(top: int, path: str, most: int) -> list[str]:
    """The names in the folder at `path` below an open one, sorted; none where there is no folder, or it is a link.

    Raises Refused where it cannot be read, or holds more than `most`.
    """
    with _inside(top, path, path) as current:
        if current is None:
            return []
        with os.scandir(current) as items:
            names = sorted(item.name for item in islice(items, most + 1))
        if len(names) > most:
            raise Refused(f"holds more than {most} entries in {shown(path)}")
        return names
    return []


@contextlib.contextmanager
def _inside(top: int, folder: str, path: str) -> Iterator[int | None]:
    """The folder, open; None where it is not there. In the block, what is not there ends the block."""
    current: int | None = os.dup(top)
    try:
        for name in folder.split("/") if folder else ():
            current = _below(current, name)
            if current is None:
                break
        yield current
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise Refused(f"has {shown(path)}, which cannot be read ({error.strerror})") from None
    finally:
        if current is not None:
            os.close(current)


def _below(folder: int | None, name: str) -> int | None:
    """The folder of that name in an open one, which is closed; None where there is none, or it is a link."""
    assert folder is not None
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise
    finally:
        os.close(folder)


def _status(folder: int, name: str, path: str) -> os.stat_result:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:  # gone meanwhile, or in a folder that may be listed and not entered
        raise Refused(f"has {shown(path)}, which cannot be read ({error.strerror})") from None


def _open(folder: int, name: str, path: str, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise Refused(f"has {shown(path)}, which cannot be read ({error.strerror})") from None


def _opener(folder: int, name: str, path: str) -> Callable[[], IO[bytes]]:
    """Opens what was a regular file a moment ago; its owner may put a link or a pipe in its place meanwhile."""
    return lambda: open(_regular(_open(folder, name, path, _FILE), path), "rb")


def _regular(descriptor: int, path: str) -> int:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused(f"has {shown(path)}, which is no regular file any more")
    return descriptor


def _nothing() -> IO[bytes]:
    raise AssertionError("only a file has content")
