"""Named files out of a tar archive, and nothing else of it."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

MOST_BYTES = 50_000_000  # of one file; CIFAR-10's have 31 MB


class UnpackError(Exception):
    """An archive does not hold what it should; the message says which file."""


def unpack(archive: Path, inside: str, names: Iterable[str], folder: Path) -> None:
    """Write the files inside/NAME of the archive as folder/NAME.

    Only the named members, only regular files, under our own names: no path or link in an archive can lead a write
    elsewhere. Raises UnpackError.
    """
    try:
        with tarfile.open(archive, "r:*") as tar:
            for name in names:
                _write_member(tar, f"{inside}{name}", folder / name)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's, not the archive's
        raise UnpackError(f"{archive} is damaged: {error}.") from error


def _write_member(tar: tarfile.TarFile, member_name: str, target: Path) -> None:
    try:
        member = tar.getmember(member_name)
    except KeyError:
        raise UnpackError(f"{tar.name} holds no {member_name}.") from None
    if not member.isreg() or member.size > MOST_BYTES:
        raise UnpackError(
            f"{member_name} in {tar.name} is no regular file of at most {MOST_BYTES / 1e6:.0f} MB (its size is "
            f"{member.size} bytes)."
        )
    content = tar.extractfile(member)
    if content is None:
        raise UnpackError(f"{member_name} in {tar.name} cannot be read.")
    with content, open(target, "wb") as file:
        shutil.copyfileobj(content, file)
