"""Archives of the attacks' trees, with whatever else an attack puts into them; the same bytes at every run."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ZIP_TIME = (2026, 11, 22, 12, 0, 0)


def files_of(told: Mapping[str, str]) -> dict[str, bytes]:
    """The submission's own files by their names in the archive, in order."""
    base = Path(told["@BASE@"])
    return {str(file.relative_to(base)): file.read_bytes() for file in sorted(base.rglob("*")) if file.is_file()}


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0, mode: int = 0o644
) -> tarfile.TarInfo:
    """A tar's header."""
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size, found.mode = kind, link, size, mode
    return found


def add_file(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """A regular file."""
    archive.addfile(member(name, size=len(content), mode=mode), io.BytesIO(content))


def open_tar(folder: Path, told: Mapping[str, str], how: str = "", skip: str = "") -> tarfile.TarFile:
    """NAME.tar with the submission's files in it but `skip`, open for more. how: "gz", "xz"."""
    suffix = f".tar.{how}" if how else ".tar"
    mode = f"w:{how}" if how else "w"
    archive = tarfile.open(folder / f"{told['@NAME@']}{suffix}", mode, format=tarfile.PAX_FORMAT)  # type: ignore[call-overload]  # noqa: SIM115  # the caller closes it
    for name, content in files_of(told).items():
        if name != skip:
            add_file(archive, name, content)
    return archive


def open_zip(folder: Path, told: Mapping[str, str], skip: str = "") -> zipfile.ZipFile:
    """NAME.zip with the submission's files in it but `skip`, open for more."""
    archive = zipfile.ZipFile(folder / f"{told['@NAME@']}.zip", "w", zipfile.ZIP_DEFLATED)
    for name, content in files_of(told).items():
        if name != skip:
            zip_file(archive, name, content)
    return archive


def zip_file(archive: zipfile.ZipFile, name: str, content: bytes, attributes: int = 0o100644) -> None:
    """An entry with those Unix attributes."""
    entry = zipfile.ZipInfo(name, ZIP_TIME)
    entry.external_attr = attributes << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, so that the attributes count
    archive.writestr(entry, content)
