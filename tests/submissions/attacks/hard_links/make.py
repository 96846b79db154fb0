"""Hard links, which a tar names by path."""

from __future__ import annotations

import tarfile
from pathlib import Path

from packing import member, open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_tar(folder, told) as archive:
        for name, target in (
            ("vec/secret.py", told["@SECRET@"]),
            ("vec/inside/secret.txt", "../../../../../../../.." + told["@SECRET@"]),
            ("vec/later.py", "vec/not_yet.py"),
        ):
            archive.addfile(member(name, tarfile.LNKTYPE, target))
    return Path(str(archive.name))
