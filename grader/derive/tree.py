"""Whole trees: derive student/ from reference/, and say where a student/ differs from what it should be.

What belongs to a tree is decided by the names below and not by git: a release and a container have no git.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Literal

from grader.derive import notebook
from grader.derive.markers import MarkerError, Violation, split_lines
from grader.derive.myst import is_notebook
from grader.derive.syntax import decode, derive_text, encode
from grader.errors import UsageError

# Made by builds, editors and caches, wherever they lie in a tree.
IGNORED_ANYWHERE = (
    *("__pycache__", "*.pyc", "*.pyo", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"),
    *("*.egg-info", ".venv", "venv", ".git", ".ipynb_checkpoints", ".import_linter_cache"),
    *("*.so", "*.o", "*.a", "*.obj", "*.pyd", "*.dll", "*.dylib"),
    *("CMakeFiles", "CMakeCache.txt", "cmake_install.cmake"),
    *(".DS_Store", ".idea", ".vscode", "*.swp", "*~"),
)
# Only at the top of a tree: `python/needle/data/` is source, `data/` is 200 MB of downloads.
IGNORED_AT_TOP = ("build", "data", "dist", "out")


@dataclass(frozen=True)
class File:
    """A file of a tree: all that is derived, compared and archived of it."""

    data: bytes  # its contents
    executable: bool  # mode 0755, otherwise 0644

    @property
    def mode(self) -> int:
        return 0o755 if self.executable else 0o644


@dataclass(frozen=True)
class Difference:
    """A path at which student/ is not what reference/ derives to."""

    path: str  # from the tree's root, with slashes
    kind: Literal["missing", "extra", "changed", "mode"]
    line: int | None  # 1-based, the first line that differs; None unless the text is changed
    detail: str  # what is there, and what should be

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.kind}: {self.detail}"


def read_tree(top: Path, ignored_at_top: tuple[str, ...] = IGNORED_AT_TOP) -> dict[str, File]:
    """The files below `top` that belong to a tree, by path with slashes, in order.

    Raises UsageError where `top` is not a folder, or holds a link: that could lead to a solution.
    """
    files = {}
    for path, file in _scan(top, ignored_at_top).items():
        if file is None:
            raise UsageError(
                f"{top / path} is a link or special file; put a plain file there, trees hold nothing else."
            )
        files[path] = file
    return files


def read_file(path: Path) -> File:
    """One file. Raises UsageError where it is not a plain one."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} is a link or special file; put a plain file there.")
    return File(path.read_bytes(), bool(status.st_mode & stat.S_IXUSR))


def derive_files(reference: Path) -> dict[str, File]:
    """What the tree `reference` derives to, by path. Raises MarkerError with the violations of all files.

    Of a notebook that is written as text students get the .ipynb alone; that of `reference` itself is passed over.
    """
    derived: dict[str, File] = {}
    violations: list[Violation] = []
    files = read_tree(reference)
    sources = notebook_sources(files)
    for path, file in files.items():
        if path in sources.values():
            continue
        try:
            text = derive_text(decode(file.data), path)
            if path in sources:
                derived[sources[path]] = File(notebook.to_ipynb(text, path), executable=False)
            else:
                derived[path] = File(encode(text), file.executable)
        except MarkerError as error:
            violations.extend(error.violations)
    if violations:
        raise MarkerError(violations)
    return dict(sorted(derived.items()))


def notebook_sources(files: Mapping[str, File]) -> dict[str, str]:
    """The notebooks of a tree that are written as text: of each .md the .ipynb that is made from it beside it."""
    return {
        path: str(PurePosixPath(path).with_suffix(".ipynb"))
        for path, file in files.items()
        if PurePosixPath(path).suffix.lower() == ".md" and is_notebook(decode(file.data))
    }


def reference_notebooks(reference: Path) -> dict[str, File]:
    """The .ipynb of every notebook of `reference` that is written as text, solutions and all, by path."""
    files = read_tree(reference)
    return {
        made: File(notebook.to_ipynb(decode(files[path].data), path), executable=False)
        for path, made in notebook_sources(files).items()
    }


def check_tree(reference: Path, student: Path) -> list[Difference]:
    """Where `student` differs from what `reference` derives to; empty when it is up to date.

    So it is where an .ipynb of `reference` itself is not what its text gives; its path is then from `student`, too.
    """
    stale = _stale_notebooks(reference, reference_notebooks(reference))
    return [*_differences(derive_files(reference), _scan(student)), *_seen_from(student, reference, stale)]


def derive_tree(reference: Path, student: Path) -> list[Difference]:
    """Make `student` what `reference` derives to, and return what had to be changed.

    Files that are up to date are not touched, so that `make` does not build them again; nor are build
    products and data sets. The .ipynb of a notebook that `reference` has as text is made anew there, too.
    Nothing at all is written when any marker of the reference is misused. Raises MarkerError, UsageError.
    """
    _refuse_overlap(reference, student)
    derived, notebooks = derive_files(reference), reference_notebooks(reference)
    present = _scan(student) if student.exists() else {}
    if present and not present.keys() & derived.keys():
        raise UsageError(
            f"{student} holds {len(present)} files and none that {reference} derives to, so it is no student "
            "tree and deriving would delete them; name an empty folder or one that was derived before."
        )
    differences = _differences(derived, present)
    # Deleted first: a folder may have to give way to a file of its name, and a file to a folder.
    for difference in differences:
        if difference.kind == "extra":
            (student / difference.path).unlink()
            _remove_empty_parents(student, difference.path)
    for difference in differences:
        if difference.kind != "extra":
            _write(student / difference.path, derived[difference.path])
    stale = _stale_notebooks(reference, notebooks)
    for difference in stale:
        _write(reference / difference.path, notebooks[difference.path])
    return [*differences, *_seen_from(student, reference, stale)]


def write_atomically(target: Path, data: bytes, mode: int) -> None:
    """Write a file by way of a temporary one beside it, so that no reader ever sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".derive-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _scan(top: Path, ignored_at_top: tuple[str, ...] = IGNORED_AT_TOP) -> dict[str, File | None]:
    """What `read_tree` reads, with None for what is neither file nor folder."""
    if not top.is_dir():
        raise UsageError(f"{top} is not a folder; expected a source tree there.")
    return dict(sorted(_walk(top, "", (*IGNORED_ANYWHERE, *ignored_at_top))))


def _walk(folder: Path, prefix: str, ignored: tuple[str, ...]) -> Iterator[tuple[str, File | None]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if any(fnmatchcase(entry.name, pattern) for pattern in ignored):
                continue
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry), f"{path}/", IGNORED_ANYWHERE)
            elif entry.is_file(follow_symlinks=False):
                yield path, read_file(Path(entry))
            else:
                yield path, None  # a link is not followed, and a named pipe would be waited for without end


def _differences(derived: Mapping[str, File], present: Mapping[str, File | None]) -> list[Difference]:
    found = []
    for path in sorted(derived.keys() | present.keys()):
        difference = _compare(path, derived.get(path), present.get(path), path in present)
        if difference is not None:
            found.append(difference)
    return found


def _stale_notebooks(reference: Path, notebooks: Mapping[str, File]) -> list[Difference]:
    """Which .ipynb of `reference` is not what its text gives: `notebooks`, by path in it."""
    present = _scan(reference)
    return _differences(notebooks, {path: file for path, file in present.items() if path in notebooks})


def _seen_from(student: Path, reference: Path, differences: Sequence[Difference]) -> Iterator[Difference]:
    """The differences of files of `reference`, with paths from `student`, where all others are listed."""
    for difference in differences:
        source = PurePosixPath(difference.path).with_suffix(".md").name
        detail = f"{difference.detail}; this notebook is made from {source}: edit that, and run `make student`"
        path = Path(os.path.relpath(reference / difference.path, student)).as_posix()
        yield replace(difference, path=path, detail=detail)


def _compare(path: str, want: File | None, got: File | None, is_present: bool) -> Difference | None:
    if want is None:
        return Difference(path, "extra", None, "reference/ derives to no such file")
    if not is_present:
        return Difference(path, "missing", None, "reference/ derives to this file, and it is not there")
    if got is None:
        return Difference(path, "changed", None, "is a link or special file; expected a plain file")
    if got.data != want.data:
        return _first_difference(path, decode(want.data), decode(got.data))
    if got.executable != want.executable:
        return Difference(path, "mode", None, f"has mode {got.mode:04o}; expected {want.mode:04o}")
    return None


def _first_difference(path: str, want: str, got: str) -> Difference:
    pairs = enumerate(zip_longest(split_lines(want), split_lines(got)), start=1)
    line, (expected, found) = next(pair for pair in pairs if pair[1][0] != pair[1][1])
    return Difference(path, "changed", line, f"is {_quote(found)}; expected {_quote(expected)}")


def _quote(line: str | None) -> str:
    return "the end of the file" if line is None else repr(line if len(line) <= 120 else line[:117] + "...")


def _refuse_overlap(reference: Path, student: Path) -> None:
    source, target = reference.resolve(), student.resolve()
    if source == target or source in target.parents or target in source.parents:
        raise UsageError(
            f"cannot derive {reference} into {student}: one holds the other, and solutions would be lost; "
            "name two folders side by side."
        )


def _write(target: Path, file: File) -> None:
    if target.is_dir() and not target.is_symlink():
        raise UsageError(f"{target} is a folder with build products where a file belongs; delete it and derive again.")
    write_atomically(target, file.data, file.mode)


def _remove_empty_parents(top: Path, path: str) -> None:
    for parent in (top / path).parents:
        if parent == top or any(parent.iterdir()):
            return
        parent.rmdir()
