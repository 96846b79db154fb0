"""Zeros in zips in zips in zips."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from packing import ZIP_TIME, open_zip, zip_file


def make(folder: Path, told: dict[str, str]) -> Path:
    bomb, name = bytes(8 << 20), "zeros.py"
    for _ in range(3):
        layer = io.BytesIO()
        with zipfile.ZipFile(layer, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(8):
                entry = zipfile.ZipInfo(f"{number}-{name}", ZIP_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, bomb)
        bomb, name = layer.getvalue(), "layer.zip"
    with open_zip(folder, told) as outer:
        for name in ("bomb.zip", "vec/bomb.zip", "src/bomb.zip"):
            zip_file(outer, name, bomb)
    return Path(str(outer.filename))
