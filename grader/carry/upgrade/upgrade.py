"""A new release of the handout, taken over a student's unpacked one: three-way, all planned before anything is written.

Of each file there are three versions: as it was handed out (base), as it is in the folder (mine), as the new release
has it (theirs). What a student has not changed becomes theirs. What is under student/ is merged where both sides have
changed it, and never replaced: merge_regions.py, merge_notebook.py, merge.py. The other files are the release's; they
are merged where the release kept a copy, else replaced, and the student's version is in the backup. What is in no
release, data sets, environments and a student's own files, is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.carry.upgrade import merge, merge_notebook, pristine
from grader.carry.upgrade.plan import Fate, Item, decide, present
from grader.carry.upgrade.pristine import TREE, Release
from grader.carry.upgrade.write import write
from grader.derive.syntax import decode
from grader.derive.tree import File
from grader.errors import UsageError


@dataclass(frozen=True)
class UpgradeReport:
    """What an upgrade has done, or would do."""

    old: str  # the version that the folder had; "0" for a release from before versions
    new: str  # the version of the archive
    order: str  # "newer", "older", "same": of the archive, against the folder's version
    archive: str  # the archive, as it was named
    items: tuple[Item, ...]  # by path; none where the folder is that release already
    backup: str | None  # the saved folder, from its top; None where nothing was written

    def of(self, *fates: Fate) -> list[Item]:
        """The files with one of these fates."""
        return [item for item in self.items if item.fate in fates]


def upgrade(
    root: Path, archive: Path, *, base: Path | None = None, force: bool = False, dry_run: bool = False
) -> UpgradeReport:
    """Take the release in `archive` over the one that is unpacked at `root`.

    base: the archive that `root` was unpacked from, where the folder does not know it itself; force: an older release
    than the folder's, too; dry_run: say what would be done, and do nothing.

    Raises UsageError, before anything is written, where one of them is not what it should be or conflicts of an earlier
    upgrade are unresolved; also where writing failed, and then it says how to restore.
    """
    root = root.resolve()  # messages name it, and "." is no name
    if not (root / TREE).is_dir() or (root / "reference").exists():
        raise UsageError(
            f"{root} is no unpacked release: it has to hold {TREE}/, and no reference/. Name it with --to."
        )
    theirs = pristine.of_archive(archive, must_know_itself=True)
    old = pristine.of_folder(root) if base is None else pristine.of_archive(base, must_know_itself=False)
    order = _order(old, theirs, force)
    if old.manifest == theirs.manifest:
        return UpgradeReport(old.version, theirs.version, "same", str(archive), (), None)
    paths = sorted(old.manifest.files.keys() | theirs.manifest.files.keys())
    _refuse_unresolved(root, paths)
    decisions = [decide(path, root, old, theirs) for path in paths]
    writes: dict[str, File | None] = {}
    for decision in decisions:
        writes.update(decision.writes)
    items = tuple(decision.item for decision in decisions if decision.item is not None)
    saved = None if dry_run else write(root, writes, theirs)
    return UpgradeReport(old.version, theirs.version, order, str(archive), items, saved)


def _order(old: Release, theirs: Release, force: bool) -> str:
    names = old.manifest.assignment, theirs.manifest.assignment
    if names[0] and names[0] != names[1]:
        raise UsageError(f"the archive is a release of {names[1]}, and this folder is one of {names[0]}.")
    ranks = [tuple(map(int, re.findall(r"\d+", release.version))) for release in (old, theirs)]
    if ranks[0] > ranks[1] and not force:
        raise UsageError(
            f"release {theirs.version} is older than {old.version}, which this folder has; add --force if you mean it."
        )
    return "newer" if ranks[0] < ranks[1] else "older" if ranks[0] > ranks[1] else "same"


def _refuse_unresolved(root: Path, paths: Sequence[str]) -> None:
    for path in paths:
        file = present(root, path)
        if file is None:
            continue
        text = decode(file.data)
        notebook = merge_notebook.read(text) if path.endswith(".ipynb") else None
        line = merge.unresolved(text) if notebook is None else merge_notebook.unresolved(notebook)
        if line is not None:
            place = f"{path}:{line}" if notebook is None else f"{path}, cell {line},"
            raise UsageError(f"{place} is a conflict of an earlier upgrade; resolve it first.")
