"""Take in a tree: a folder or an archive becomes a staged copy of its regular files, or a sentence why it cannot.

Nothing of a submission is trusted here, and nothing of it is run. A path on the command line that is not there is the
caller's mistake (UsageError); whatever is wrong inside a folder or an archive is the submission's (`fault`, data), so
that it costs that tree its grade and no other tree anything.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from grader.archive import ArchiveSource
from grader.assignment import Assignment, TreeLayout
from grader.entries import CAPS, Caps, Entry, FolderSource, Refused, Source, shown
from grader.errors import GraderError, UsageError

_CHUNK = 1 << 16  # bytes a read
_ARCHIVE_SUFFIX = re.compile(r"\.(zip|tar|tgz|txz|tbz2|tar\.(gz|xz|bz2))$", re.IGNORECASE)
_REPORT_NAME_BYTES = 120
_MAX_NOTES = 20

# Never taken, wherever they lie: what is compiled or cached (the harness compiles for itself), what Python or pytest
# would run or obey without being asked, version control, environments, and what systems leave behind.
_NEVER_FOLDERS = {"__pycache__", "build", "venv", "__MACOSX"}  # and those that begin with "."
_NEVER_FILES = {
    "conftest.py",
    "sitecustomize.py",
    "usercustomize.py",
    "pyproject.toml",
    "pytest.ini",
    "setup.cfg",
    "tox.ini",
}
_NEVER_SUFFIXES = (".so", ".pyd", ".dll", ".dylib", ".pyc", ".pyo", ".pth", ".egg-link", ".o", ".obj", ".a", ".lib")


@dataclass(frozen=True)
class StagedTree:
    """A submission's files in a folder of ours, or the reason why there are none to grade."""

    name: str  # how reports call it, unless the caller knows better
    root: Path  # the folder; regular files of mode 0644 in folders of mode 0755, and no links
    files: tuple[str, ...]  # what is in it, sorted, with "/"
    identity: str  # sha256 over the files' paths and contents; "" with a fault
    notes: tuple[str, ...]  # what was taken from where, and what was left out
    fault: str | None  # why it is not a tree of the assignment, in words


def report_names(paths: Sequence[Path]) -> list[str]:
    """A name for each tree: distinct also where upper and lower case are one, and fit for a folder.

    A folder's own name, or an archive's without its suffix; where two are alike, with the parent folder's before it
    (`alice-hw4`, `bob-hw4`), and where that does not do, with a number behind it.
    """
    plain = [_safe_name(_stem(path)) for path in paths]
    count = Counter(name.casefold() for name in plain)
    names: list[str] = []
    taken: set[str] = set()
    for path, stem in zip(paths, plain, strict=True):
        alike = count[stem.casefold()] > 1
        name = base = _safe_name(f"{path.absolute().parent.name}-{stem}") if alike else stem
        number = 2
        while name.casefold() in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def stage(
    source: Path, assignment: Assignment, destination: Path, caps: Caps = CAPS, suffixes: tuple[str, ...] = ("",)
) -> StagedTree:
    """Copy what grading needs of the tree at `source` into the new folder `destination`: files with these suffixes.

    Raises UsageError where `source` is not there or neither a folder nor an archive, GraderError where `destination`
    cannot be written.
    """
    destination.mkdir(parents=True, exist_ok=True)
    name, layout = report_names([source])[0], assignment.layout
    notes: list[str] = []
    try:
        opened = _open(source, caps)
        top = _find_tree(opened, assignment)
        if top:
            notes.append(f"taken from its folder {shown(top)}")
        files = _copy(_chosen(opened, top, layout, suffixes, notes), destination, caps)
        _check_required(set(files), assignment)
    except Refused as refusal:
        return StagedTree(name, destination, (), "", _few(notes), f"{shown(source.name or str(source))} {refusal}")
    return StagedTree(name, destination, tuple(sorted(files)), _identity(files), _few(notes), None)


def _open(source: Path, caps: Caps) -> Source:
    if not os.path.lexists(source):
        raise UsageError(f"{source} is not there; expected a folder or an archive with a tree.")
    if not os.access(source, os.R_OK | os.X_OK if source.is_dir() else os.R_OK):
        raise UsageError(f"{source} cannot be read by this user; expected a folder or an archive that can be.")
    if source.is_dir():
        return FolderSource(source, caps)
    if not source.is_file():
        raise UsageError(f"{source} is not a regular file; expected a folder or an archive with a tree.")
    archive = ArchiveSource.open(source, caps)
    if archive is not None:
        return archive
    if _ARCHIVE_SUFFIX.search(source.name):
        raise Refused("is not a readable archive: it is empty, cut short, or something else under that name")
    raise UsageError(f"{source} is not an archive; expected a folder, .zip, .tar, .tar.gz, .tar.xz or .tar.bz2.")


def _find_tree(source: Source, assignment: Assignment) -> str:
    """The folder inside `source` that holds the required files: "" for its top. The one nearest to the top counts."""
    required = assignment.layout.required
    if source.has(required):
        return ""
    paths = {entry.path for entry in source.entries(lambda path: not _never(path)) if entry.kind == "file"}
    if not paths:
        raise Refused("holds no files")
    tail = f"/{required[0]}"
    folders = [f"/{path}"[: -len(tail)].strip("/") for path in paths if f"/{path}".endswith(tail)]
    folders = [folder for folder in folders if all(_join(folder, path) in paths for path in required)]
    if not folders:
        raise Refused(_not_a_tree(paths, assignment))
    depth = min(folder.count("/") if folder else -1 for folder in folders)
    nearest = sorted(folder for folder in folders if (folder.count("/") if folder else -1) == depth)
    if len(nearest) > 1:
        names = ", ".join(shown(folder) for folder in nearest[:5])
        raise Refused(f"holds {len(nearest)} trees ({names}); name one of them, or hand in only one")
    return nearest[0]


def _not_a_tree(paths: set[str], assignment: Assignment) -> str:
    missing = next((path for path in assignment.layout.required if path not in paths), "")
    archives = sorted(path for path in paths if _ARCHIVE_SUFFIX.search(path))
    inside = f"; it holds the archive {shown(archives[0])}, which must be unpacked first" if archives else ""
    return f"is not a tree of {assignment.name}: {missing} is not in it{inside}"


def _check_required(files: set[str], assignment: Assignment) -> None:
    """A required file may be there as a link that was left out."""
    if not files.issuperset(assignment.layout.required):
        raise Refused(_not_a_tree(files, assignment))


def _chosen(
    source: Source, top: str, layout: TreeLayout, suffixes: tuple[str, ...], notes: list[str]
) -> Iterable[Entry]:
    """The entries to be staged, named relative to the tree."""
    prefix = f"{top}/" if top else ""
    places = _places(layout)

    def wanted(path: str) -> bool:
        if prefix.startswith(f"{path}/"):
            return True  # on the way to the tree
        inside = path[len(prefix) :]
        named = "/" not in inside and all(suffixes) and inside.endswith(suffixes)  # asked for, so at the top as well
        return path.startswith(prefix) and not _never(inside) and (places(inside) or named)

    for entry in source.entries(wanted):
        if not entry.path.startswith(prefix) or prefix == f"{entry.path}/":
            continue
        if entry.kind == "file":
            if entry.path.endswith(suffixes):
                yield entry.named(entry.path[len(prefix) :])
        else:
            notes.append(f"left out: {shown(entry.path)}, {entry.kind}")


def _places(layout: TreeLayout) -> _Places:
    sources = [*layout.modules.values(), *(path for paths in layout.companions.values() for path in paths)]
    named = [*layout.required, *layout.editable, *sources, *layout.paths]
    folders = {path.split("/")[0] for path in named if "/" in path or path in layout.paths} - {".", ""}
    return _Places(frozenset(folders), "." in layout.paths)


@dataclass(frozen=True)
class _Places:
    """Where grading looks for files. Data sets, notebooks and environments elsewhere in a tree stay where they are."""

    folders: frozenset[str]  # at the tree's top
    scripts: bool  # whether the top is on Python's path, so that its modules may be imported

    def __call__(self, path: str) -> bool:
        first, _, rest = path.partition("/")
        return first in self.folders or (self.scripts and not rest and first.endswith(".py"))


def _never(path: str) -> bool:
    *folders, name = path.split("/")
    if any(folder in _NEVER_FOLDERS or folder.startswith(".") for folder in (*folders, name)):
        return True
    return name in _NEVER_FILES or name.lower().endswith((*_NEVER_SUFFIXES, ".egg-info"))


def _copy(entries: Iterable[Entry], destination: Path, caps: Caps) -> dict[str, str]:
    """Write the entries under `destination`; returns path -> sha256 of the content."""
    digests: dict[str, str] = {}
    seen: set[str] = set()  # casefolded, with their folders marked by a final "/"
    total = 0
    for entry in entries:
        _check_name(entry.path, caps)
        _check_distinct(entry.path, seen)
        if len(digests) >= caps.files:
            raise Refused(f"holds more than {caps.files} files, {shown(entry.path)} among them")
        file = destination / entry.path
        with entry.open() as stream:
            size, digests[entry.path] = _write(stream, file, entry.path, caps.file_bytes)
        total += size
        if total > caps.bytes:
            raise Refused(f"holds more than {caps.bytes >> 20} MiB; the limit was passed by {shown(entry.path)}")
    for folder in {parent for path in digests for parent in (destination / path).parents}:
        if folder.is_relative_to(destination):
            folder.chmod(0o755)  # whatever the umask: a worker may run as another user
    return digests


def _write(stream: IO[bytes], file: Path, path: str, limit: int) -> tuple[int, str]:
    """Copy a stream to a file; returns size and sha256."""
    digest, size = hashlib.sha256(), 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "xb") as out:
            while part := stream.read(_CHUNK):
                size += len(part)
                if size > limit:
                    raise Refused(f"holds {shown(path)}, which is larger than {limit >> 20} MiB")
                digest.update(part)
                out.write(part)
        file.chmod(0o644)  # whatever it was: a file of mode 0600 must be readable to a worker of another user
    except OSError as error:
        raise GraderError(f"{file} cannot be written: {error.strerror or error}.") from None
    return size, digest.hexdigest()


def _check_name(path: str, caps: Caps) -> None:
    if not path.isprintable() or "\\" in path:
        raise Refused(f"holds {shown(path)}, a name with a backslash or with characters that cannot be printed")
    longest = max(len(part.encode()) for part in path.split("/"))
    if longest > caps.part_bytes or len(path.encode()) > caps.path_bytes:
        raise Refused(f"holds {shown(path)}, a name that is too long ({len(path.encode())} bytes)")
    if path.count("/") >= caps.depth:
        raise Refused(f"holds {shown(path)}, more than {caps.depth} folders deep")


def _check_distinct(path: str, seen: set[str]) -> None:
    """Two entries for one file: which of them counts would hang on the tool and the disk that unpack them."""
    key = unicodedata.normalize("NFC", path).casefold()
    folders = [f"{parent}/" for parent in map(str, PurePosixPath(key).parents) if parent != "."]
    if key in seen or f"{key}/" in seen or any(folder[:-1] in seen for folder in folders):
        raise Refused(f"holds {shown(path)} twice (upper and lower case count as one), or as file and folder")
    seen.update([key, *folders])


def _identity(digests: dict[str, str]) -> str:
    total = hashlib.sha256()
    for path in sorted(digests):
        total.update(f"{path}\0{digests[path]}\n".encode())
    return total.hexdigest()


def _stem(path: Path) -> str:
    if not path.is_dir():
        return _ARCHIVE_SUFFIX.sub("", path.name)
    return path.name if path.name not in ("", "..") else path.resolve().name


def _safe_name(text: str) -> str:
    name = re.sub(r"[^\w.+-]+", "_", unicodedata.normalize("NFC", text)).lstrip(".-")
    return name.encode()[:_REPORT_NAME_BYTES].decode("utf-8", "ignore").rstrip(".") or "tree"


def _few(notes: list[str]) -> tuple[str, ...]:
    more = len(notes) - _MAX_NOTES
    return (*notes[:_MAX_NOTES], f"... and {more} more notes") if more > 0 else tuple(notes)


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path
