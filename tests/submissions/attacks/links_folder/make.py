"""Links in a folder that is handed in as it is."""

from __future__ import annotations

import shutil
from pathlib import Path


def make(folder: Path, told: dict[str, str]) -> Path:
    tree = folder / told["@NAME@"]
    shutil.copytree(told["@BASE@"], tree)
    (tree / "vec" / "secret.py").symlink_to(told["@SECRET@"])
    (tree / "vec" / "inside").symlink_to(Path(told["@SECRET@"]).parent)
    (tree / "vec" / "twice").symlink_to("inside")
    (tree / "src" / "root").symlink_to("/")
    (tree / "src" / "self").symlink_to("self")
    return tree
