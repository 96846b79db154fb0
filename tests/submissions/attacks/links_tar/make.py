"""Links of every kind, and names that go through them."""

from __future__ import annotations

import tarfile
from pathlib import Path

from packing import add_file, member, open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    secret, empty = Path(told["@SECRET@"]), told["@EMPTY@"]
    with open_tar(folder, told) as archive:
        for name, target in (
            ("vec/secret.py", str(secret)),
            ("vec/inside", str(secret.parent)),
            ("vec/twice", "inside"),
            ("vec/self", "self"),
            ("src/way", empty),
            ("vec/up", "../../../../../../../../"),
        ):
            archive.addfile(member(name, tarfile.SYMTYPE, target))
        add_file(archive, "src/way/through.txt", b"out")
    return Path(str(archive.name))
