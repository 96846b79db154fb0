"""Files that wait for ever when they are opened."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path


def make(folder: Path, told: dict[str, str]) -> Path:
    tree = folder / told["@NAME@"]
    shutil.copytree(told["@BASE@"], tree)
    os.mkfifo(tree / "vec" / "pipe.py")
    os.mkfifo(tree / "src" / "pipe.h")
    here = os.getcwd()
    os.chdir(tree / "vec")  # the path of a socket has room for 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind("socket.py")
    finally:
        os.chdir(here)
    return tree
