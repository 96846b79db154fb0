"""Names that differ, and do not."""

from __future__ import annotations

from pathlib import Path

from packing import open_zip, zip_file


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_zip(folder, told) as archive:
        zip_file(archive, "vec/caf\u00e9.py", b"")
        zip_file(archive, "vec/cafe\u0301.py", b"")
        zip_file(archive, "vec/ElementWise.py", b"raise SystemExit\n")
    return Path(str(archive.filename))
