"""A window larger than memory (RFC 8878, 3.1.1.1.2), and raw blocks behind it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from packing import add_file, files_of


def make(folder: Path, told: dict[str, str]) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files_of(told).items():
            add_file(archive, name, content)
    data = plain.getvalue()
    frame = b"\x28\xb5\x2f\xfd\x00\xf8"  # magic number, no size, no checksum, a window of 2^(10 + 31) bytes
    for at in range(0, len(data), 1 << 16):
        part = data[at : at + (1 << 16)]
        frame += (len(part) << 3 | (at + len(part) == len(data))).to_bytes(3, "little") + part
    file = folder / f"{told['@NAME@']}.tar.zst"
    file.write_bytes(frame)
    return file
