"""Links as zip writes them."""

from __future__ import annotations

from pathlib import Path

from packing import open_zip, zip_file


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_zip(folder, told) as archive:
        zip_file(archive, "vec/secret.py", told["@SECRET@"].encode(), 0o120777)
        zip_file(archive, "vec/inside", str(Path(told["@SECRET@"]).parent).encode(), 0o120777)
        zip_file(archive, "src/way", told["@EMPTY@"].encode(), 0o120777)
        zip_file(archive, "src/way/through.txt", b"out")
    return Path(str(archive.filename))
