"""The archive that students get: everything they need, nothing of reference/."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.derive.leakage import LeakError, leaks_in, read_solutions
from grader.derive.tree import IGNORED_AT_TOP, File, check_tree, read_file, read_tree, write_atomically
from grader.errors import UsageError

TOP = "hw4"  # the folder that the archive unpacks into


@dataclass(frozen=True)
class Entry:
    """Something that goes into the archive."""

    pattern: str  # a glob below the repository's root; a folder stands for all that is in it
    mandatory: bool = True  # whether a release without it is refused
    without: tuple[str, ...] = ()  # names at its top that stay out: of a needle tree, its build and the data sets


CONTENTS = (
    Entry("student", without=IGNORED_AT_TOP),
    Entry("tests/hw4"),
    Entry("grader", without=("server",)),  # only the course's machine has what the server needs
    Entry("Makefile"),
    Entry("README.md"),
    Entry("pyproject.toml"),
    Entry("LICENSE"),
    Entry("submit.py"),
    Entry("conftest.py", mandatory=False),
    Entry("tests/__init__.py", mandatory=False),
    Entry("tests/conftest.py", mandatory=False),
    Entry("requirements.lock"),
    Entry("docs/student*.md", mandatory=False),
    Entry("docs/grading.md", mandatory=False),
    Entry("docs/reference.md", mandatory=False),
    Entry("docs/cuda-sim.md", mandatory=False),
    Entry(".github/workflows/grade.yml", mandatory=False),  # CI for a student's own repository
)


def release(root: Path, out: Path | None = None) -> Path:
    """Write the archive of the repository at `root` to `out`, and return its path.

    `out` is `dist/hw4-student.zip` in `root` unless given. The same tree gives the same bytes. Raises
    UsageError where student/ is stale or something is missing, LeakError where a file holds a solution;
    then nothing is written.
    """
    reference, student = root / "reference", root / "student"
    differences = check_tree(reference, student)
    if differences:
        listed = "\n".join(f"student/{difference}" for difference in differences)
        raise UsageError(f"student/ is not what reference/ derives to; run `make student` first.\n{listed}")
    files = _collect(root)
    found = leaks_in(read_solutions(reference), {path: file.data for path, file in files.items()})
    if found:
        raise LeakError(found)
    target = root / "dist" / "hw4-student.zip" if out is None else out
    write_atomically(target, _zip(files), 0o644)
    return target


def _collect(root: Path) -> dict[str, File]:
    """The archive's files by their path in it."""
    files: dict[str, File] = {}
    for entry in CONTENTS:
        found: dict[str, File] = {}
        for match in sorted(root.glob(entry.pattern)):
            place = f"{TOP}/{match.relative_to(root).as_posix()}"
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
