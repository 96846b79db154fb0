"""A zip behind a tar's end."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from packing import files_of, open_tar, zip_file


def make(folder: Path, told: dict[str, str]) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as other:
        for name in files_of(told):
            zip_file(other, name, b"raise RuntimeError('read as a zip')\n")
    with open_tar(folder, told) as archive:
        pass
    file = Path(str(archive.name))
    both = folder / f"{told['@NAME@']}.zip"
    both.write_bytes(file.read_bytes() + inner.getvalue())
    return both
