"""Write an upgrade: save the folder first, then replace file by file, and last what the folder knows of itself."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from grader.carry import backup
from grader.carry.upgrade.pristine import TREE, Release
from grader.derive import handout
from grader.derive.tree import IGNORED_ANYWHERE, IGNORED_AT_TOP, File, write_atomically
from grader.errors import UsageError


def write(root: Path, writes: Mapping[str, File | None], theirs: Release) -> str:
    """Save the folder, write the files, and return the backup's path from the folder's top.

    writes: path -> what is to be there, None for nothing. theirs: what the folder is a release of afterwards. Raises
    UsageError where something is in the way, before anything is written; also where writing failed.
    """
    _refuse_what_is_in_the_way(root, writes)
    saved = backup.save(root, folder=root.resolve() / backup.FOLDER, files=_to_save(root.resolve()))
    shown = f"{backup.FOLDER}/{saved.name}"
    new = {path: File(data, theirs.manifest.files[path].executable) for path, data in theirs.texts.items()}
    known = handout.describe(theirs.manifest.assignment, theirs.version, new)
    manifest = known.pop(handout.MANIFEST)
    stale = {path: None for path in _known_now(root) if path not in known and path != handout.MANIFEST}
    path = ""
    try:
        for path, file in {**writes, **stale}.items():
            if file is None:  # these first: a folder may have to give way to a file of its name
                (root / path).unlink(missing_ok=True)
                _remove_empty_parents(root, path)
        for path, file in {**writes, **known}.items():
            if file is not None:
                write_atomically(root / path, file.data, file.mode)
        # Last: a folder never says of itself that it is a release which it is only in part.
        path = handout.MANIFEST
        write_atomically(root / path, manifest.data, manifest.mode)
    except (OSError, KeyboardInterrupt) as error:
        raise UsageError(
            f"the upgrade stopped at {path} ({error or 'interrupted'}); some files are new and some are old. "
            f"To have the folder as it was: cd {shlex.quote(str(root))} && python3 -m zipfile -e {shown} .."
        ) from error
    return shown


def _refuse_what_is_in_the_way(root: Path, writes: Mapping[str, File | None]) -> None:
    removed = {path for path, file in writes.items() if file is None}
    for path in writes.keys() - removed:
        if (root / path).is_dir():
            raise UsageError(f"{root / path} is a folder, and the upgrade needs the name; move it away.")
        for folder in (str(parent) for parent in PurePosixPath(path).parents):
            if os.path.lexists(root / folder) and not (root / folder).is_dir() and folder not in removed:
                raise UsageError(f"{root / folder} is no folder, and the upgrade needs the name; move it away.")


def _known_now(root: Path) -> Iterator[str]:
    """The files of `.handout/` that are there."""
    for path in sorted((root / handout.FOLDER).rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix()


def _to_save(root: Path) -> Iterator[Path]:
    """What goes into the backup: all but data sets, environments and what a build makes."""
    patterns = [pattern for pattern in IGNORED_ANYWHERE if pattern != ".vscode"]  # the release has settings there
    for folder, folders, names in os.walk(root):
        place = Path(folder)
        top = place in (root, root / TREE)
        ignored = (*patterns, *((*IGNORED_AT_TOP, backup.FOLDER) if top else ()))
        links = [name for name in folders if (place / name).is_symlink()]
        folders[:] = sorted(
            name for name in folders if name not in links and not any(fnmatchcase(name, item) for item in ignored)
        )
        for name in sorted([*names, *links]):
            if not any(fnmatchcase(name, item) for item in ignored) and ((place / name).is_file() or name in links):
                yield place / name


def _remove_empty_parents(root: Path, path: str) -> None:
    for parent in (root / path).parents:
        if parent == root or not parent.is_dir() or any(parent.iterdir()):
            return
        parent.rmdir()
