"""Compiled modules kept between runs: a module with bindings takes 10 s to compile, a look into the cache 1 ms."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from grader.compiling import Compiled

_MAX_ITEMS = 1000  # entries and their locks; needle's modules are 0.4 MB
_DEFAULT = Path(__file__).resolve().parents[1] / "build" / "cache"


def cache_folder() -> Path:
    """Where the cache is: GRADER_CACHE, or build/cache in this checkout."""
    return Path(os.environ.get("GRADER_CACHE") or _DEFAULT).expanduser().absolute()


class BuildCache:
    """A folder with one folder an entry: `entry.json`, and `module` unless the entry is a compile error.

    An entry is written beside its place and renamed into it, so that it is there in full or not at all. Its hash is
    checked at every look, so that one that a full or failing disk spoilt counts as missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def open(cls, folder: Path) -> BuildCache | None:
        """The cache in that folder, made if need be; None where nothing can be written there."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return cls(folder)
        except OSError:
            return None

    def find(self, key: str) -> Compiled | None:
        """The entry, or None where there is none or it is not what was written."""
        try:
            entry = json.loads((self._folder / key / "entry.json").read_text(encoding="utf-8"))
            why = str(entry["why"])
            module = None if why else (self._folder / key / "module").read_bytes()
            if _hash(module, why) != entry["sha256"]:
                return None
            os.utime(self._folder / key)  # used just now: among the last to go
            return Compiled(module, why, True)
        except (OSError, ValueError, KeyError, TypeError):  # absent, cut short, or of another format
            return None

    def keep(self, key: str, compiled: Compiled) -> None:
        """Write an entry in place of what may be there. Raises OSError where that fails."""
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        try:
            if compiled.module is not None:
                (fresh / "module").write_bytes(compiled.module)
            entry = {"why": compiled.why, "sha256": _hash(compiled.module, compiled.why)}
            (fresh / "entry.json").write_text(json.dumps(entry), encoding="utf-8")
            shutil.rmtree(self._folder / key, ignore_errors=True)
            fresh.rename(self._folder / key)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self._shrink()

    def _shrink(self) -> None:
        """Drop what was not used for longest. A process that reads it just then compiles anew, which does no harm."""
        ages: list[tuple[float, Path]] = []
        for item in self._folder.iterdir():
            with contextlib.suppress(OSError):  # gone meanwhile
                ages.append((item.stat().st_mtime, item))
        for _, item in sorted(ages)[:-_MAX_ITEMS]:
            if item.is_dir():
                shutil.rmtree(item, ignore_errors=True)
            else:
                item.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Hold an entry alone among all processes, so that two of them do not compile the same thing at once."""
        with open(self._folder / f"{key}.lock", "w") as file:
            with contextlib.suppress(OSError):  # a network disk without locks: the work is done twice, and no harm
                fcntl.flock(file, fcntl.LOCK_EX)
            yield  # closing the file lets go of the lock, also when the process dies


def _hash(module: bytes | None, why: str) -> str:
    return hashlib.sha256(why.encode() + b"\0" + (module or b"")).hexdigest()
