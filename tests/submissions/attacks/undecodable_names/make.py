"""Bytes that are no text."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from packing import files_of, member


def make(folder: Path, told: dict[str, str]) -> Path:
    file = folder / f"{told['@NAME@']}.tar"
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape") as archive:
        for name, content in files_of(told).items():
            archive.addfile(member(name, size=len(content)), io.BytesIO(content))
        for raw in (b"vec/\xff\xfe.py", b"vec/\xc0\xae\xc0\xae\xc0\xaf" + told["@MARK@"].encode(), b"vec/\xed\xa0\x80.py"):
            archive.addfile(member(raw.decode("utf-8", "surrogateescape")))
    return file
