"""Names that are devices elsewhere."""

from __future__ import annotations

from pathlib import Path

from packing import add_file, open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_tar(folder, told) as archive:
        for name in ("vec/CON", "vec/nul.py", "vec/AUX.py", "src/com1.h", "src/PRN", "vec/x.py::$DATA", "src/tty", "src/null"):
            add_file(archive, name, b"named like a device\n")
    return Path(str(archive.name))
