"""Names that climb."""

from __future__ import annotations

from pathlib import Path

from packing import add_file, open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_tar(folder, told) as archive:
        for name in ("vec/../../../../../../../../tmp/@MARK@", "../@MARK@", "vec/./../../@MARK@"):
            add_file(archive, name.replace("@MARK@", told["@MARK@"]), b"out")
    return Path(str(archive.name))
