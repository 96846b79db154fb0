"""A suite's files: which are not for students, and a hash over all, so that a grade can say what it was made by."""

from __future__ import annotations

import hashlib
from pathlib import Path

from grader.errors import GraderError

_HIDDEN = "test_hidden_"  # how the names of files begin whose cases students are not shown, and which no release has


def is_hidden(file: str) -> bool:
    """Whether a suite's file of that name holds cases that students are not shown."""
    return file.startswith(_HIDDEN)


def suite_hash(suite: Path) -> str:
    """SHA-256, hexadecimal, over the suite's regular files: their paths and contents, in the paths' order.

    What Python compiles, and what systems and editors leave under a name with a dot, is no part of it. Raises
    GraderError where a file cannot be read.
    """
    total = hashlib.sha256()
    try:
        files = {path.relative_to(suite).as_posix(): path for path in suite.rglob("*") if path.is_file()}
        for name in sorted(files):
            if not any(part == "__pycache__" or part.startswith(".") for part in name.split("/")):
                total.update(f"{name}\0{hashlib.sha256(files[name].read_bytes()).hexdigest()}\n".encode())
    except (OSError, UnicodeEncodeError) as error:
        raise GraderError(f"the suite in {suite} cannot be read: {error}") from None
    return total.hexdigest()
