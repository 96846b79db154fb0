"""Names from the root."""

from __future__ import annotations

from pathlib import Path

from packing import add_file, open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_tar(folder, told, "gz") as archive:
        for name in (f"/tmp/{told['@MARK@']}", f"{told['@OUT@']}/{told['@NAME@']}/grade.json", f"{told['@EMPTY@']}/in"):
            add_file(archive, name, b'{"score": 10}')
    return folder / f"{told['@NAME@']}.tar.gz"
