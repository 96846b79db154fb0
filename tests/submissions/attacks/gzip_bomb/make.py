"""A gibibyte, as the same packed mebibytes again and again: gzip allows members one after the other."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from packing import files_of, member


def make(folder: Path, told: dict[str, str]) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files_of(told).items():
            archive.addfile(member(name, size=len(content)), io.BytesIO(content))
        head = plain.getvalue()[: archive.offset] + member("vec/zeros.py", size=1 << 30).tobuf()
    zeros = gzip.compress(bytes(16 << 20), mtime=0)
    file = folder / f"{told['@NAME@']}.tar.gz"
    file.write_bytes(gzip.compress(head, mtime=0) + zeros * 65)
    return file
