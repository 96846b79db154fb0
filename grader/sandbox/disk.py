"""How much a command has written to a folder on disk: nothing else bounds all of its files together."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_BLOCK = 512  # bytes: the unit of st_blocks, see stat(2)
MOST_FILES = 20_000  # cmake and a compiler make some 50; each takes an inode, of which a disk has only so many


def holds_more_than(folders: Iterable[Path], limit: int) -> bool:
    """Whether these folders hold more than `limit` bytes or MOST_FILES entries, while somebody may be writing there.

    What cannot be looked at (folders nested deeper than a path may be long) counts as too much. No link is followed.
    """
    total = entries = 0
    left = [str(folder) for folder in folders]
    while left:
        try:
            with os.scandir(left.pop()) as listed:
                for entry in listed:
                    entries += 1
                    if entries > MOST_FILES:
                        return True
                    total += _size(entry)
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
        except FileNotFoundError:  # it was removed in this moment
            continue
        except OSError:
            return True
    return total > limit


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return (
            entry.stat(follow_symlinks=False).st_blocks * _BLOCK
        )  # what it takes, not what it claims: files have holes
    except FileNotFoundError:
        return 0
