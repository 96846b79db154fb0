"""A bug or a right solution as a whole tree: the reference with its edits."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from proof.catalogue import SUFFIXES, Bug, Edit, Reference, Right

_TAKEN = ("src", "python", "apps")  # of the reference; the rest of it is for people


def source_files(root: Path) -> dict[str, str]:
    """The texts of a tree's sources: path with "/" -> text."""
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for folder in _TAKEN
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in SUFFIXES and path.is_file() and not any(part.startswith(".") for part in path.parts)
    }


def edited(files: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """The files with the edits made; the catalogue has checked that each can be."""
    changed = dict(files)
    for edit in edits:
        assert changed[edit.file].count(edit.old) == 1, edit
        changed[edit.file] = changed[edit.file].replace(edit.old, edit.new)
    return changed


def files_of(item: Bug | Right, reference: Mapping[str, str]) -> dict[str, str]:
    """The sources of a bug or a right solution; reference: those of the reference."""
    files = edited(reference, item.edits)
    if isinstance(item, Right):
        files = {path: text for path, text in files.items() if path not in item.removed}
        files.update({path: content.decode("utf-8") for path, content in item.files.items()})
    return files


def lay_out(files: Mapping[str, str], destination: Path) -> Path:
    """Write the files as a tree, in the place of what may be there."""
    shutil.rmtree(destination, ignore_errors=True)
    for path, text in files.items():
        file = destination / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return destination


def reference_files(reference: Reference) -> dict[str, str]:
    """The sources of the reference that a submission may have."""
    return {path: text for path, text in source_files(reference.root).items() if reference.is_editable(path)}
