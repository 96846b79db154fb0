"""The pristine tree: what students were given. Whatever they may not change is taken from there, whoever grades.

assignment.toml names it, `[tree] pristine`, as a path from its own folder: in the course's checkout the tree that the
handout is made of. A student's release has no untouched tree but its own record, `.handout/pristine`, which is then
taken instead, each file checked against the release's list. So both grade the same files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Assignment
from grader.errors import UsageError
from grader.intake.taking import Rules, is_never_taken

_TREE = "student"  # the folder that a release has for the student's work


@dataclass(frozen=True)
class Given:
    """The files of the pristine tree that students may not change."""

    files: Mapping[str, Path]  # path in a tree -> the file that holds the content

    def staged(self, rules: Rules) -> list[str]:
        """Those that grading looks at, sorted."""
        return sorted(path for path in self.files if rules.has_place(path))


def given_files(assignment: Assignment, rules: Rules) -> Given | None:
    """What was given and may not be changed; None where the assignment names no pristine tree.

    Notebooks are left out: who has run theirs has changed it. Raises UsageError where the tree or the release's record
    is missing or damaged.
    """
    if not assignment.layout.pristine:
        return None
    release = assignment.suite.parent.parent
    if os.path.lexists(release / ".handout"):
        found = _of_release(release)
    else:
        root = (assignment.suite / assignment.layout.pristine).resolve()
        if not root.is_dir():
            raise UsageError(
                f"{assignment.suite / 'assignment.toml'}: tree.pristine has value {assignment.layout.pristine!r}, but "
                f"{root} is not there; expected the tree that students are given."
            )
        found = _below(root, rules)
    return Given({path: file for path, file in found.items() if _counts(path, rules)})


def _counts(path: str, rules: Rules) -> bool:
    if is_never_taken(path) or rules.is_editable(path) or path.endswith(".ipynb"):
        return False
    return rules.has_place(path) or "/" not in path


def _below(root: Path, rules: Rules) -> dict[str, Path]:
    """The files of a tree of ours; not those of folders where grading does not look, which may hold data sets."""
    found: dict[str, Path] = {}
    for folder, folders, names in os.walk(root):
        prefix = "" if folder == str(root) else f"{Path(folder).relative_to(root).as_posix()}/"
        folders[:] = [name for name in folders if rules.has_place(f"{prefix}{name}") and not is_never_taken(name)]
        found.update({f"{prefix}{name}": Path(folder, name) for name in names if Path(folder, name).is_file()})
    return found


def _of_release(release: Path) -> dict[str, Path]:
    """The files of a release's `student` folder, as it keeps them."""
    from grader.derive import handout  # not at the top: a checkout has no need of it

    list_ = release / handout.MANIFEST
    if not list_.is_file():
        raise UsageError(f"{list_}, the list of what you were given, is missing; {_remedy(release)}")
    manifest = handout.parse_manifest(list_.read_bytes(), str(list_))
    found = {}
    for name, stamp in manifest.files.items():
        top, _, path = name.partition("/")
        if top != _TREE:
            continue
        file = release / handout.PRISTINE / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != stamp.sha256:
            raise UsageError(f"{file}, a copy of what you were given, is missing or changed; {_remedy(release)}")
        found[path] = file
    return found


def _remedy(release: Path) -> str:
    return f"unpack the handout once more, elsewhere, and copy its folder .handout to {release}."
