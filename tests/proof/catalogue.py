"""The planted bugs and the right solutions, as their files describe them; every mistake in a file is a sentence."""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.assignment import Assignment
from grader.devices import is_cuda
from grader.errors import UsageError
from grader.tables import Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DESCRIPTION = "right.toml"
SUFFIXES = {".py", ".pyi", ".cc", ".cu", ".h"}  # of sources


@dataclass(frozen=True)
class Edit:
    """One place of a change."""

    file: str  # in the reference, with "/"
    old: str  # occurs exactly once in it
    new: str


@dataclass(frozen=True)
class Bug:
    """A small wrong version of the reference, as students write it."""

    name: str  # unique over all files
    area: str  # the file's name without .toml
    about: str  # what the student did
    edits: tuple[Edit, ...]
    problems: tuple[str, ...]  # must lose points on every seed
    depends: Mapping[str, str]  # problems that may lose points too, and why
    device: str  # where it is graded

    def why_depends(self, problem: str) -> str | None:
        """Why this problem may lose points, too; None where it may not."""
        return self.depends.get(problem)


@dataclass(frozen=True)
class Right:
    """Another correct solution."""

    name: str
    about: str  # what is done in another way
    devices: tuple[str, ...]
    edits: tuple[Edit, ...]
    files: Mapping[str, bytes]  # laid over the reference: path -> content
    removed: tuple[str, ...]  # files of the reference that it does not have


class Reference:
    """The reference tree, as far as the catalogue asks."""

    def __init__(self, root: Path, assignment: Assignment) -> None:
        self.root = root
        self.assignment = assignment
        self._texts: dict[str, str | None] = {}  # hundreds of bugs are of a dozen files
        self.problems = tuple(problem.name for problem in assignment.problems)
        layout = assignment.layout
        # What is compiled for a GPU: the .cu files, and what is linked with them.
        self._cuda = {
            path
            for module, source in layout.modules.items()
            if is_cuda(source)
            for path in (source, *layout.companions.get(module, ()))
        }

    def read(self, path: str) -> str | None:
        """A file's text; None where it is not there."""
        if path not in self._texts:
            file = self.root / path
            self._texts[path] = file.read_text(encoding="utf-8") if file.is_file() else None
        return self._texts[path]

    def is_editable(self, path: str) -> bool:
        """Whether a submission may have this file; any other is taken from what students are given."""
        return any(_matches(path, pattern) for pattern in self.assignment.layout.editable)

    def device_for(self, paths: Sequence[str]) -> str:
        """Where a change of these files is graded: CUDA in the simulator, all else on the first device graded."""
        devices = self.assignment.devices
        if self._cuda.isdisjoint(paths) or not devices.simulates:
            return devices.graded[0]
        return next(iter(devices.simulates))


def load_bugs(folder: Path, reference: Reference) -> list[Bug]:
    """The bugs of all files of the folder, by area and then in the file's order. Raises UsageError."""
    bugs: list[Bug] = []
    places: dict[str, str] = {}
    for file in sorted(folder.glob("*.toml")):
        top = Table(file, "", _parsed(file))
        for number, item in enumerate(top.tables("bug")):
            bug = _bug(item, number, file, reference)
            if bug.name in places:
                raise UsageError(
                    f"{file}: the bug {bug.name!r} is in {places[bug.name]} already; give it another name."
                )
            places[bug.name] = file.name
            bugs.append(bug)
        top.finish()
    return bugs


def load_rights(folder: Path, reference: Reference) -> list[Right]:
    """The right solutions, by name. Raises UsageError."""
    return [_right(file, reference) for file in sorted(folder.glob(f"*/{DESCRIPTION}"))]


def _bug(item: Table, number: int, file: Path, reference: Reference) -> Bug:
    name = item.word("name")
    table = Table(file, f"bug {name!r}: ", {**item.data}, {"name"})
    more = table.tables("edit") if "edit" in table.data else []
    edits = tuple(_edit(place, reference) for place in (table, *more))
    for place in more:
        place.finish()
    _check_each_applies(table, edits, reference)
    depends = table.mapping("depends") if "depends" in table.data else {}
    bug = Bug(
        name=name,
        area=file.stem,
        about=_sentence(table),
        edits=edits,
        problems=_problems(table, reference),
        depends=depends,
        device=reference.device_for([edit.file for edit in edits]),
    )
    _check_depends(table, bug, reference)
    table.finish()
    return bug


def _right(file: Path, reference: Reference) -> Right:
    table = Table(file, "", _parsed(file))
    places = table.tables("edit") if "edit" in table.data else []
    edits = tuple(_edit(place, reference) for place in places)
    removals = table.tables("remove") if "remove" in table.data else []
    removed = tuple(_present(place, reference) for place in removals)
    for place in (*places, *removals):
        place.finish()
    _check_each_applies(table, edits, reference)
    known = reference.assignment.devices.known
    devices = table.texts("devices") if "devices" in table.data else (reference.assignment.devices.graded[0],)
    if not devices or not set(devices) <= set(known):
        raise table.wrong("devices", f"some of: {', '.join(known)}")
    files, gone = _based(table, reference) if "base" in table.data else ({}, ())
    removed += gone
    files |= {
        path.relative_to(file.parent).as_posix(): path.read_bytes()
        for path in sorted(file.parent.rglob("*"))
        if path.is_file() and path != file and "__pycache__" not in path.parts
    }
    for path in files:
        if not reference.is_editable(path):
            raise UsageError(f"{file.parent / path} is not part of a submission: {_editable(reference)}.")
    if not edits and not files and not removed:
        raise UsageError(
            f"{file}: nothing differs from the reference; expected [[edit]], [[remove]], base or files beside it."
        )
    right = Right(file.parent.name, _sentence(table), devices, edits, files, removed)
    table.finish()
    return right


def _based(table: Table, reference: Reference) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The sources of the tree that `base` names, and what the reference has besides: they take its place."""
    base = table.file.parent / table.text("base")
    files = {path: (base / path).read_bytes() for path in _sources(base, reference)}
    if not files:
        raise table.wrong("base", "a folder with a tree of its own, seen from here")
    return files, tuple(path for path in _sources(reference.root, reference) if path not in files)


def _sources(root: Path, reference: Reference) -> list[str]:
    found = (path for path in sorted(root.rglob("*")) if path.suffix in SUFFIXES and path.is_file())
    return [name for path in found if reference.is_editable(name := path.relative_to(root).as_posix())]


def _parsed(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}.") from None


def _sentence(table: Table) -> str:
    about = table.text("about")
    if not about.endswith(".") or "\n" in about or len(about) < 10:
        raise table.wrong("about", "a sentence on one line, with its full stop")
    return about


def _problems(table: Table, reference: Reference) -> tuple[str, ...]:
    names = table.words("problems")
    if not names or len(set(names)) < len(names) or not set(names) <= set(reference.problems):
        raise table.wrong("problems", f"one or more of, none twice: {', '.join(reference.problems)}")
    return names


def _check_depends(table: Table, bug: Bug, reference: Reference) -> None:
    for problem, why in bug.depends.items():
        expected = f"depends on names problems ({', '.join(reference.problems)})"
        if problem not in reference.problems:
            raise UsageError(f"{table.file}: {table.name}depends names {problem!r}; {expected}.")
        if problem in bug.problems:
            raise UsageError(
                f"{table.file}: {table.name}{problem!r} is in both problems and depends; "
                "a problem either must lose points or may."
            )
        if len(why) < 5:
            raise UsageError(f"{table.file}: {table.name}depends.{problem} is {why!r}; say why in words.")


def _edit(table: Table, reference: Reference) -> Edit:
    edit = Edit(_present(table, reference), table.text("old"), table.text("new"))
    if edit.old == edit.new or not edit.old.strip():
        raise UsageError(f"{table.file}: {table.name}old must be there, and new another text than old.")
    return edit


def _present(table: Table, reference: Reference) -> str:
    """The value of `file`: a file of the reference that a submission may have."""
    path = table.text("file")
    if reference.read(path) is None:
        raise table.wrong("file", f"a file in {reference.root.name}/")
    if not reference.is_editable(path):
        raise table.wrong("file", f"a file that a student may change: {_editable(reference)}")
    return path


def _check_each_applies(table: Table, edits: Sequence[Edit], reference: Reference) -> None:
    texts: dict[str, str] = {}
    for edit in edits:
        text = texts.setdefault(edit.file, reference.read(edit.file) or "")
        if (count := text.count(edit.old)) != 1:
            raise UsageError(
                f"{table.file}: {table.name}old is {count} times in {edit.file}; expected exactly once. "
                f"It begins: {edit.old.strip().splitlines()[0]!r}."
            )
        texts[edit.file] = text.replace(edit.old, edit.new)


def _editable(reference: Reference) -> str:
    return f"expected something like {', '.join(reference.assignment.layout.editable)}"


def _matches(path: str, pattern: str) -> bool:
    """As in assignment.toml: * stays inside a folder, and a trailing /** is all that is below."""
    if pattern.endswith("/**"):
        return path.startswith(pattern[:-2])
    return fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/") and _plain(path)


def _plain(path: str) -> bool:
    return ".." not in PurePosixPath(path).parts
