"""Names that climb the other way."""

from __future__ import annotations

from pathlib import Path

from packing import open_zip, zip_file


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_zip(folder, told) as archive:
        zip_file(archive, "vec\\..\\..\\..\\..\\tmp\\" + told["@MARK@"], b"out")
    return Path(str(archive.filename))
