"""Names that begin with a dash or an at sign."""

from __future__ import annotations

import zipfile
from pathlib import Path

from packing import files_of, zip_file


def make(folder: Path, told: dict[str, str]) -> Path:
    file = folder / f"{told['@NAME@']}.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files_of(told).items():
            zip_file(archive, f"--collect-only/{name}", content)
        for name in ("-k.py", "vec/--sandbox=none.py", "src/-fplugin=evil.cc", "src/@evil", "src/-Wl,--version.cc", "vec/$(id).py"):
            zip_file(archive, f"--collect-only/{name}", b"#error an option\n")
    return file
