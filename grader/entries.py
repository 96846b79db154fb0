"""What intake reads from: entries of a folder or an archive, one after the other, under caps."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Protocol


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
    """A folder or an archive."""

    def has(self, paths: Sequence[str]) -> bool:
        """Whether all of these are known to be files at its top, without going through all of it."""
        ...

    def entries(self, wanted: Callable[[str], bool]) -> Iterator[Entry]:
        """What is neither a folder nor in a folder that `wanted` declines, in the order in which it lies there.

        Raises Refused for what no honest submission holds, and where a cap is passed.
        """
        ...


class FolderSource:
    """A folder. A link is followed as long as it stays inside."""

    def __init__(self, folder: Path, caps: Caps) -> None:
        self._folder = folder.resolve()
        self._caps = caps

    def has(self, paths: Sequence[str]) -> bool:
        """See Source."""
        return all((self._folder / path).is_file() for path in paths)

    def entries(self, wanted: Callable[[str], bool]) -> Iterator[Entry]:
        """See Source; sorted by name."""
        count = 0
        waiting: list[tuple[str, tuple[Path, ...]]] = [("", (self._folder,))]  # path, and the folders on the way
        while waiting:
            prefix, way = waiting.pop()
            folder = way[-1]
            for item in self._listed(folder, prefix):
                path = f"{prefix}{item.name}"
                count += 1
                if count > self._caps.entries:
                    raise Refused(f"holds more than {self._caps.entries} entries; expected the folder of one tree")
                if not wanted(path):
                    continue
                target = self._target(item)
                if target is None:
                    yield Entry(path, "a link that leads out of the tree or nowhere", _nothing)
                elif target in way:
                    yield Entry(path, "a link that leads round in a circle", _nothing)
                elif stat.S_ISDIR(mode := _mode(target, path)):
                    waiting.append((f"{path}/", (*way, target)))
                elif stat.S_ISREG(mode):
                    yield Entry(path, "file", lambda target=target, path=path: _open_file(target, path))  # type: ignore[misc]
                else:
                    yield Entry(path, "a device, pipe or socket", _nothing)

    def _listed(self, folder: Path, prefix: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as items:
                return sorted(items, key=lambda item: item.name)
        except OSError as error:
            raise Refused(f"has the folder {shown(prefix or '.')}, which cannot be read ({error.strerror})") from None

    def _target(self, item: os.DirEntry[str]) -> Path | None:
        """Where an item really is; None where that is outside the folder, or nowhere."""
        if not item.is_symlink():
            return Path(item.path)
        try:
            target = Path(item.path).resolve(strict=True)
        except (OSError, RuntimeError):  # dangling; a circle (RuntimeError before Python 3.13)
            return None
        return target if target.is_relative_to(self._folder) else None


def shown(path: str) -> str:
    """A name fit for a message: on one line, printable, not too long."""
    text = path if path.isprintable() else ascii(path)[1:-1]
    return text if len(text) <= 120 else f"{text[:117]}..."


def _mode(file: Path, path: str) -> int:
    try:
        return file.stat().st_mode
    except OSError as error:  # gone meanwhile, or in a folder that may be listed and not entered
        raise Refused(f"has {shown(path)}, which cannot be read ({error.strerror})") from None


def _open_file(file: Path, path: str) -> IO[bytes]:
    """Open what was a regular file a moment ago; its owner may put a link or a pipe in its place meanwhile."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Refused(f"has {path}, which cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused(f"has {path}, which is no regular file any more")
    return open(descriptor, "rb")


def _nothing() -> IO[bytes]:
    raise AssertionError("only a file has content")
