"""Two truths for one entry."""

from __future__ import annotations

from pathlib import Path

from packing import open_zip


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_zip(folder, told) as archive:
        pass
    file = Path(str(archive.filename))
    data = file.read_bytes()
    at = data.index(b"vec/elementwise.py")  # in the entry's own header, which comes first
    file.write_bytes(data[:at] + b"vec/elementwisE.py" + data[at + 18 :])
    return file
