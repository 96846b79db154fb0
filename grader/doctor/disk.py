"""What lies on the disk: data sets, the build cache, and room for more."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from grader.doctor.findings import GIB, Finding

_ROOT = Path(__file__).resolve().parents[2]
_ROOM = GIB  # for the real data sets while they are unpacked, builds, and reports
_NOT_SETS = ("synthetic", "downloads")  # folders beside the data sets that are none


def space() -> Finding:
    """Room for what grading writes, where this checkout lies."""
    free = shutil.disk_usage(_ROOT).free
    found = f"{free / GIB:.1f} GiB free in {_ROOT}"
    if free < _ROOM:
        remedy = "free some space (`make clean` removes what was built), or move this folder to a disk that has more"
        return Finding("disk", "warn", f"{found}; expected {_ROOM / GIB:.0f} GiB", remedy)
    return Finding("disk", "ok", found, "")


def data_sets() -> Finding:
    """The real ones, in the folder that NEEDLE_DATA names or in data/; grading makes small ones of its own."""
    name = "data sets"
    named = os.environ.get("NEEDLE_DATA")
    folder = Path(named).expanduser() if named else _ROOT / "data"
    sets = [item.name for item in _folders(folder) if item.name not in _NOT_SETS]
    if sets:
        return Finding(name, "ok", f"{', '.join(sets)} in {folder}", "")
    if any((folder / "downloads").glob("*.part")):
        what = f"a download into {folder} was cut off"
        return Finding(name, "warn", what, "run `make data` again; it goes on where it stopped")
    if _folders(folder / "synthetic"):
        what = f"only synthetic ones, in {folder / 'synthetic'}: every cell runs on them"
        return Finding(name, "warn", what, "run `make data` for the real ones, once this machine is online")
    what = f"NEEDLE_DATA names {folder}, which holds none" if named else f"none in {folder}"
    remedy = "run `make data`; without a network, `make data SYNTHETIC=1`"
    return Finding(name, "warn", f"{what}; grading makes its own small ones, training needs some", remedy)


def _folders(parent: Path) -> list[Path]:
    """The folders in it that are not hidden, by name; [] where it is not there."""
    if not parent.is_dir():
        return []
    return sorted(item for item in parent.iterdir() if item.is_dir() and not item.name.startswith("."))


def cache() -> Finding:
    """Where compiled modules are kept."""
    from grader.build_cache import BuildCache, cache_folder  # not at the top: it needs POSIX's locks

    folder = cache_folder()
    if BuildCache.open(folder) is None:
        return Finding(
            "build cache",
            "warn",
            f"{folder} cannot be written to, so every run compiles anew",
            "make it writable, or let GRADER_CACHE name another folder",
        )
    free = shutil.disk_usage(folder).free
    found = f"{free / GIB:.1f} GiB free at {folder}"
    if free < GIB:
        return Finding("build cache", "warn", f"{found}; expected 1 GiB", "free some space on that disk")
    return Finding("build cache", "ok", found, "")
