"""Which of the two is the submission?"""

from __future__ import annotations

from pathlib import Path

from packing import add_file, open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_tar(folder, told) as archive:
        add_file(archive, "vec/elementwise.py", b"raise SystemExit\n")
        add_file(archive, "./vec//elementwise.py", b"raise SystemExit\n")
        add_file(archive, "vec", b"")
    return Path(str(archive.name))
