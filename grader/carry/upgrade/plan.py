"""What is to become of a file in an upgrade, of which there are three versions: base, mine, theirs (see `upgrade`)."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.carry.upgrade import merge, merge_notebook
from grader.carry.upgrade.merge_regions import merge_source
from grader.carry.upgrade.pristine import TREE, Release
from grader.derive.handout import Stamp
from grader.derive.syntax import SYNTAXES, decode, encode
from grader.derive.tree import File
from grader.errors import UsageError

_WITH_REGIONS = frozenset().union(*(syntax.suffixes for syntax in SYNTAXES)) - {".md", ".ipynb"}


class Fate(enum.Enum):
    """What became of a file."""

    NEW = "new"  # the release brings it
    UPDATED = "updated"  # the student had not changed it
    REMOVED = "removed"  # the release no longer has it, and the student had not changed it
    RESTORED = "restored"  # the student had deleted it, and it is needed or has changed
    KEPT = "kept"  # the student's version; of what the release has changed nothing is lost by it
    MERGED = "merged"  # both sides' changes
    CONFLICT = "conflict"  # both sides' changes, and a decision that is the student's
    REPLACED = "replaced"  # the release's version; the student's is in the backup


@dataclass(frozen=True)
class Item:
    """A file, and what became of it. Files that are as they were are not listed."""

    path: str  # from the folder's top
    fate: Fate
    places: tuple[str, ...] = ()  # of conflicts: "student/hw4.ipynb, cell 7", "student/Makefile:12"
    notes: tuple[str, ...] = ()  # what a student should know
    displaced: bool = False  # whether work has lost its place: its function or file may be elsewhere now


@dataclass(frozen=True)
class Decision:
    """What is to be done about a file."""

    item: Item | None  # None where there is nothing to say
    writes: Mapping[str, File | None]  # path -> what is to be there; None: nothing


_NOTHING = Decision(None, {})


def decide(path: str, root: Path, old: Release, theirs: Release) -> Decision:
    """Of the file at `path` in the folder `root`: nothing is written. Raises UsageError as `present` does."""
    mine, was = present(root, path), old.stamp(path)
    new = None if theirs.stamp(path) is None else File(theirs.texts[path], theirs.manifest.files[path].executable)
    if mine is None:
        return _missing(path, was, new)
    if was is not None and Stamp.of(mine).sha256 == was.sha256:  # as it was handed out
        if new is None:
            return Decision(Item(path, Fate.REMOVED), {path: None})
        if new.data == mine.data and was.executable == new.executable:
            return _NOTHING
        executable = new.executable if was.executable == mine.executable else mine.executable
        return Decision(Item(path, Fate.UPDATED), {path: File(new.data, executable)})
    if new is None:
        note = "the new release no longer has it; you had changed it, so it stays"
        return Decision(Item(path, Fate.KEPT, notes=(note,), displaced=path.startswith(f"{TREE}/")), {})
    if new.data == mine.data or (was is not None and Stamp.of(new).sha256 == was.sha256):
        return _NOTHING  # the student's change, and none of the release's
    if path.startswith(f"{TREE}/"):
        return _students(path, root, old, mine, new, theirs.version)
    return _ours(path, old, mine, new)


def _missing(path: str, was: Stamp | None, new: File | None) -> Decision:
    """Of a file that the folder does not have."""
    if new is None:
        return _NOTHING
    if was is None:
        return Decision(Item(path, Fate.NEW), {path: new})
    if path.startswith(f"{TREE}/") and was.sha256 == Stamp.of(new).sha256:
        return _NOTHING  # deleted by the student, who may
    return Decision(Item(path, Fate.RESTORED, notes=("it was not there any more",)), {path: new})


def _students(path: str, root: Path, old: Release, mine: File, new: File, version: str) -> Decision:
    """Of a file of the student's that both sides have changed."""
    try:
        made = _merged(path, old.texts.get(path), mine.data, new.data, version)
    except _CannotMerge as why:
        return _beside(path, root, new, version, str(why))
    was = old.stamp(path)
    executable = new.executable if was is None or was.executable == mine.executable else mine.executable
    data = encode(made.text)
    fate = Fate.CONFLICT if made.places else Fate.KEPT if data == mine.data else Fate.MERGED
    writes = {} if data == mine.data else {path: File(data, executable)}
    return Decision(Item(path, fate, made.places, made.notes, made.displaced), writes)


class _CannotMerge(Exception):
    """Versions cannot be merged; the text says why."""


@dataclass(frozen=True)
class _Made:
    """A merged file."""

    text: str
    places: tuple[str, ...]  # of conflicts
    notes: tuple[str, ...] = ()
    displaced: bool = False  # see Item


def _merged(path: str, given: bytes | None, mine: bytes, theirs: bytes, version: str) -> _Made:
    if given is None:
        raise _CannotMerge("the release has a file of this name, too")
    texts = decode(given), decode(mine), decode(theirs)
    if path.endswith(".ipynb"):
        notebooks = [notebook for text in texts if (notebook := merge_notebook.read(text)) is not None]
        if len(notebooks) < len(texts):
            raise _CannotMerge("it is no notebook that can be read")
        made = merge_notebook.merge_notebook(notebooks[0], notebooks[1], notebooks[2], version)
        return _Made(made.text, tuple(f"{path}, cell {number}" for number in made.conflicts), made.notes)
    if not merge.can_merge(*texts):
        raise _CannotMerge("it is no text that can be merged")
    if PurePosixPath(path).suffix not in _WITH_REGIONS:
        merged = merge.merge_text(*texts)
        return _Made(merged.text, _places(path, merged))
    source = merge_source(*texts, path, version)
    notes = tuple(f"{name}: the new release has no such region; yours is at the end" for name in source.left)
    return _Made(source.merged.text, _places(path, source.merged), notes, displaced=bool(source.left))


def _places(path: str, merged: merge.Merged) -> tuple[str, ...]:
    return tuple(f"{path}:{line}" for line in merged.conflicts)


def _beside(path: str, root: Path, new: File, version: str, why: str) -> Decision:
    """The student's version stays, and the release's goes beside it, under a name that is free."""
    pure = PurePosixPath(path)
    mark = f"from-{re.sub('[^A-Za-z0-9.]', '-', version)}"
    names = [
        str(pure.with_name(f"{pure.stem}.{mark}{end}{pure.suffix}")) for end in ("", *(f"-{n}" for n in range(2, 100)))
    ]
    other = next((name for name in names if not os.path.lexists(root / name)), None)
    if other is None:
        raise UsageError(f"{root / names[0]} and 98 more are there; move them away, what is new goes there.")
    note = f"{why}; yours stays, and the new one is {other}"
    return Decision(Item(path, Fate.CONFLICT, (path,), (note,)), {other: new})


def _ours(path: str, old: Release, mine: File, new: File) -> Decision:
    """Of a file of the release's own that the student has changed, too."""
    given = old.texts.get(path)
    texts = decode(b"\0" if given is None else given), decode(mine.data), decode(new.data)
    if merge.can_merge(*texts):
        merged = merge.merge_text(*texts)
        if not merged.conflicts:
            return Decision(Item(path, Fate.MERGED), {path: File(encode(merged.text), new.executable)})
    return Decision(Item(path, Fate.REPLACED), {path: new})


def present(root: Path, path: str) -> File | None:
    """The student's version of a file. Raises UsageError for what cannot be replaced without reaching elsewhere."""
    target = root / path
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{target.parent} is a link out of {root}; put the folder itself there.")
    if not os.path.lexists(target):
        return None
    if not target.is_file():
        raise UsageError(f"{target} is no file, and the release has one of that name; move it away.")
    try:
        return File(target.read_bytes(), bool(target.stat().st_mode & 0o100))
    except OSError as error:
        raise UsageError(f"{target} cannot be read ({error.strerror}), and the upgrade has to.") from None
