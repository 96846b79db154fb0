"""An archive of an archive."""

from __future__ import annotations

import zipfile
from pathlib import Path

from packing import open_tar


def make(folder: Path, told: dict[str, str]) -> Path:
    with open_tar(folder, told, "gz"):
        pass
    outer = folder / f"{told['@NAME@']}.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(folder / f"{told['@NAME@']}.tar.gz", "tree.tar.gz")
    return outer
