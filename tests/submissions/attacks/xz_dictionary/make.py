"""A header that asks for memory: the size of the dictionary is one byte of it (xz's file format, 5.3.1)."""

from __future__ import annotations

import io
import lzma
import tarfile
import zlib
from pathlib import Path

from packing import add_file, files_of


def make(folder: Path, told: dict[str, str]) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files_of(told).items():
            add_file(archive, name, content)
    packed = bytearray(lzma.compress(plain.getvalue(), lzma.FORMAT_XZ))
    size = (packed[12] + 1) * 4  # of the first block's header, behind the 12 bytes of the stream's
    at = packed.index(b"\x21\x01", 12)  # the filter LZMA2 and the length of its properties
    packed[at + 2] = 40  # 4 GiB less a byte
    packed[12 + size - 4 : 12 + size] = zlib.crc32(packed[12 : 12 + size - 4]).to_bytes(4, "little")
    file = folder / f"{told['@NAME@']}.tar.xz"
    file.write_bytes(packed)
    return file
