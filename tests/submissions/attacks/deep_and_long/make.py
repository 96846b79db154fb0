"""A name longer than paths may be."""

from __future__ import annotations

from pathlib import Path

from packing import add_file, open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_tar(folder, told) as archive:
        add_file(archive, "vec/" + "deeper/" * 400 + "x.py", b"")
        add_file(archive, "vec/" + "long" * 100 + ".py", b"")
        add_file(archive, "/".join(["vec", *("wide" * 60 for _ in range(20)), "x.py"]), b"")
    return Path(str(archive.name))
