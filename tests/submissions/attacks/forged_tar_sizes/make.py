"""Sizes that are not what follows."""

from __future__ import annotations

import tarfile
from pathlib import Path

from packing import open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_tar(folder, told) as archive:
        position = archive.offset
    file = Path(str(archive.name))

    def header(name: str, kind: bytes, size: int) -> bytes:
        made = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
        made[156:157] = kind
        made[124:136] = (size & (1 << 96) - 1).to_bytes(12, "big") if size < 0 else b"\x80" + size.to_bytes(11, "big")
        made[148:156] = b" " * 8
        made[148:156] = b"%06o\0 " % sum(made)
        return bytes(made)

    data = file.read_bytes()[: position - 1024]
    data += bytes(-len(data) % 512)
    forged = header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 1 << 33) + header("vec/back.py", b"0", -512)
    file.write_bytes(data + forged + bytes(1024))
    return file
