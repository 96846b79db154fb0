"""The archive that students get: everything they need, nothing of reference/."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from grader.assignment import own_suite
from grader.derive import handout, links
from grader.derive.leakage import LeakError, leaks_in, read_solutions
from grader.derive.tree import IGNORED_AT_TOP, File, check_tree, read_file, read_tree, write_atomically
from grader.errors import UsageError
from grader.suite import is_hidden

_TESTPATHS = re.compile(rb"^testpaths = .*$", re.MULTILINE)  # in pyproject.toml: what pytest runs by itself


@dataclass(frozen=True)
class Handout:
    """What is handed out. The rest of a release, CONTENTS, is the engine and what is written about it."""

    name: str  # "hw4": the folder that the archive unpacks into, and that of the suite in its tests/
    reference: Path
    student: Path
    suite: Path
    readme: Path | None = None  # becomes the archive's README.md; None: CONTENTS has it

    @classmethod
    def own(cls, root: Path) -> Handout:
        """The one that the checkout at `root` is about."""
        suite = own_suite(root)
        return cls(suite.name, root / "reference", root / "student", suite)


@dataclass(frozen=True)
class Entry:
    """Something that goes into the archive."""

    pattern: str  # a glob below the repository's root; a folder stands for all that is in it
    mandatory: bool = True  # whether a release without it is refused
    without: tuple[str, ...] = ()  # names at its top that stay out
    name: str = ""  # its path in the archive, where that is another one than here
    own: bool = False  # whether it is about the checkout's own assignment, and means nothing to another one


CONTENTS = (
    Entry("grader", without=("server",)),  # only the course's machine has what the server needs
    Entry("Makefile"),
    Entry("HANDOUT.md", name="README.md", own=True),
    Entry("pyproject.toml"),
    Entry("LICENSE"),
    Entry(".gitignore", mandatory=False),  # .venv, data and backups have no place in a student's own repository
    Entry("submit.py"),
    Entry("conftest.py", mandatory=False),
    Entry("tests/__init__.py", mandatory=False),
    Entry("tests/conftest.py", mandatory=False),
    Entry("requirements.lock"),
    Entry("requirements-notebook.lock"),
    Entry("docs/student*.md", mandatory=False, own=True),
    Entry("docs/grading.md", mandatory=False),
    Entry("docs/messages.md", mandatory=False),
    Entry("docs/tolerances.md", mandatory=False, own=True),
    Entry("docs/reference.md", mandatory=False),
    Entry("docs/cuda-sim.md", mandatory=False),
    Entry("docs/training.md", mandatory=False, own=True),
    Entry(".devcontainer", mandatory=False),
    Entry(".vscode/settings.json", mandatory=False),
    Entry(".github/workflows/grade.yml", mandatory=False),  # CI for a student's own repository
)


def release(root: Path, out: Path | None = None, given: Handout | None = None) -> Path:
    """Write the archive of the repository at `root` to `out`, and return its path.

    `out` is `dist/NAME-student.zip` in `root` unless given, the assignment the repository's own. The same tree gives
    the same bytes. Raises UsageError where student/ is stale or something is missing, LeakError where a file holds a
    solution; then nothing is written.
    """
    own = Handout.own(root)
    given = given or own
    differences = check_tree(given.reference, given.student)
    if differences:
        listed = "\n".join(f"{given.student.name}/{difference}" for difference in differences)
        remedy = "run `make student` first" if given == own else "run `python -m grader derive` with both first"
        raise UsageError(f"{given.student} is not what {given.reference} derives to; {remedy}.\n{listed}")
    files = {**_collect(root, is_own=given == own), **_given(given)}
    files["pyproject.toml"] = _about(given.name, files["pyproject.toml"])
    files = links.close(files)
    files |= handout.describe(given.name, handout.version_of(files["pyproject.toml"].data), files)
    files = {f"{given.name}/{path}": file for path, file in files.items()}
    found = leaks_in(read_solutions(given.reference), {path: file.data for path, file in files.items()})
    if found:
        raise LeakError(found)
    target = root / "dist" / f"{given.name}-student.zip" if out is None else out
    write_atomically(target, _zip(files), 0o644)
    return target


def _given(given: Handout) -> dict[str, File]:
    """The assignment's own files by their path in the archive's folder: its starter, its suite, and its README."""
    if not (given.suite / "assignment.toml").is_file():  # tests/ itself, say: it holds what is not for students
        raise UsageError(f"{given.suite} has no assignment.toml; expected the suite that students get.")
    files: dict[str, File] = {}
    for folder, place, without in (
        (given.student, "student", IGNORED_AT_TOP),
        (given.suite, f"tests/{given.name}", ()),
    ):
        found = read_tree(folder, without) if folder.is_dir() else {}
        if not found:
            raise UsageError(f"{folder} is missing or empty, and students cannot work without it.")
        shown = {path: file for path, file in found.items() if folder != given.suite or not is_hidden(path)}
        files |= {f"{place}/{path}": file for path, file in shown.items()}
    if given.readme is not None:
        if not given.readme.is_file():
            raise UsageError(f"{given.readme} is missing, and students cannot work without it: their README.md.")
        files["README.md"] = read_file(given.readme)
    return files


def _about(name: str, project: File) -> File:
    """pyproject.toml with the suite of that name as what pytest runs where nothing is named."""
    return replace(project, data=_TESTPATHS.sub(f'testpaths = ["tests/{name}"]'.encode(), project.data))


def _collect(root: Path, *, is_own: bool) -> dict[str, File]:
    """The engine's files by their path in the archive's folder."""
    files: dict[str, File] = {}
    for entry in CONTENTS:
        if entry.own and not is_own:
            continue
        found: dict[str, File] = {}
        for match in sorted(root.glob(entry.pattern)):
            place = entry.name or match.relative_to(root).as_posix()
            if match.is_dir():
                below = read_tree(match, entry.without)
                found.update({f"{place}/{path}": file for path, file in below.items()})
            else:
                found[place] = read_file(match)
        if entry.mandatory and not found:
            raise UsageError(f"{root / entry.pattern} is missing or empty, and students cannot work without it.")
        files.update(found)
    return files


def _zip(files: Mapping[str, File]) -> bytes:
    """A zip whose bytes depend on nothing but `files`.

    Stored, not deflated: zlib and its successors compress to different bytes, and sources are small.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, file in sorted(files.items()):
            info = zipfile.ZipInfo(path)  # dated 1980-01-01, the first day that zip knows
            info.create_system = 3  # Unix, on every system: only then are the modes read
            info.external_attr = (stat.S_IFREG | file.mode) << 16
            archive.writestr(info, file.data)
    return buffer.getvalue()
