"""One packed file, many names for it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from packing import files_of


def make(folder: Path, told: dict[str, str]) -> Path:
    zeros = bytes(1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = {name: data for name, data in files_of(told).items()} | {"vec/kernel.py": zeros}
    data, table, count = b"", b"", 0
    for name, plain in content.items():
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed, label = packer.compress(plain) + packer.flush(), name.encode()
        fields = (20, 0, 8, 0, 0x5C76, zlib.crc32(plain), len(packed), len(plain), len(label), 0)
        names = [label, *([b"vec/%04d.py" % i for i in range(2000)] if plain is zeros else [])]
        for one in names:
            fields_of_one = (*fields[:-2], len(one), 0)
            table += struct.pack("<4s2B5H3I5H2I", b"PK\1\2", 20, 3, *fields_of_one[:5], *fields_of_one[5:8], len(one), 0, 0, 0, 0, 0o100644 << 16, len(data)) + one
            count += 1
        data += struct.pack("<4s5H3I2H", b"PK\3\4", *fields) + label + packed
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(table), len(data), 0)
    file = folder / f"{told['@NAME@']}.zip"
    file.write_bytes(data + table + end)
    return file
