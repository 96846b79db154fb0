"""A file of holes: its header says a tebibyte, its data are a block."""

from __future__ import annotations

import tarfile
from pathlib import Path

from packing import open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_tar(folder, told) as archive:
        position = archive.offset
    file = Path(str(archive.name))
    header = bytearray(tarfile.TarInfo("vec/holes.py").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[124:136] = b"%011o\0" % 512
    header[386:410] = b"%011o\0%011o\0" % (0, 512)  # one piece, at the beginning
    header[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")  # the real size, in base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    data = file.read_bytes()[:position].rstrip(b"\0")
    data += bytes(-len(data) % 512)
    file.write_bytes(data + bytes(header) + b"x" * 512 + bytes(1024))
    return file
