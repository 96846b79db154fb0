"""The target tree as it was, in a zip beside it: before anything of it is changed."""

from __future__ import annotations

import itertools
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from grader.derive.tree import IGNORED_ANYWHERE, IGNORED_AT_TOP
from grader.errors import UsageError

FOLDER = "backups"


def save(tree: Path, *, folder: Path | None = None, files: Iterable[Path] | None = None) -> Path:
    """Write `backups/NAME-1.zip` beside the tree (or -2, ...: none is ever overwritten), and return its path.

    `folder` is another one to write to, `files` are others than files_of(tree). Links are kept as links. Raises
    UsageError where it cannot be written: then nothing may be changed.
    """
    tree = tree.resolve()
    folder = folder or tree.parent / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{tree.name}-", suffix=".part", dir=folder)
        part = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write(tree, files_of(tree) if files is None else files, file)
            return _named(part, folder, tree.name)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot take a backup of {tree}, so nothing was changed: {error}.") from None


def _named(part: Path, folder: Path, name: str) -> Path:
    """Give a whole backup the first free number: half a one, of a run that was killed, is never taken for one."""
    for number in itertools.count(1):
        path = folder / f"{name}-{number}.zip"
        try:
            path.open("xb").close()
        except FileExistsError:
            continue
        part.replace(path)
        break
    return path


def _write(tree: Path, files: Iterable[Path], file: object) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:  # type: ignore[call-overload]
        for path in files:
            name = f"{tree.name}/{path.relative_to(tree).as_posix()}"
            if path.is_symlink():
                info = zipfile.ZipInfo(name)
                info.create_system = 3  # Unix: only then is the mode read
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, os.readlink(path))
            else:
                archive.write(path, name)


def files_of(tree: Path) -> Iterator[Path]:
    """The files and links of a tree, in order, but not what a build makes, and no data sets."""
    yield from _files(tree, IGNORED_AT_TOP)


def _files(folder: Path, ignored_here: tuple[str, ...] = ()) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(fnmatchcase(path.name, pattern) for pattern in (*IGNORED_ANYWHERE, *ignored_here)):
            continue
        if path.is_symlink() or path.is_file():
            yield path
        elif path.is_dir():
            yield from _files(path)
