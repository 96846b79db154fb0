"""Take in a tree: a folder, an archive or a commit becomes a staged copy of its regular files, or a sentence why not.

Nothing of a submission is trusted here, and nothing of it is run. A path on the command line that is not there is the
caller's mistake (UsageError); whatever is wrong inside a folder or an archive is the submission's (`fault`, data), so
that it costs that tree its grade and no other tree anything.

What is staged: of the submission the files that the assignment lists as editable, and of the pristine tree those that
it does not (see pristine). An editable file that a submission lacks is not filled in: a tree of an earlier edition has
ops.py where the pristine one has ops/.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from grader.assignment import Assignment
from grader.errors import GraderError, UsageError
from grader.intake import git_source
from grader.intake.account import NO_ACCOUNT, Account, Ledger
from grader.intake.archive import ArchiveSource
from grader.intake.entries import CAPS, Caps, Entry, FolderSource, Refused, Source, shown
from grader.intake.git_source import GitSource
from grader.intake.pristine import Given, given_files
from grader.intake.taking import Rules, is_never_taken

_CHUNK = 1 << 16  # bytes a read
_ARCHIVE_SUFFIX = re.compile(r"\.(zip|tar|tgz|txz|tbz2|tzst|tar\.(gz|xz|bz2|zst))$", re.IGNORECASE)
_KINDS = "a folder, .zip, .tar, .tar.gz, .tar.xz, .tar.bz2, .tar.zst, or a commit as REPOSITORY@COMMIT"
_REPORT_NAME_BYTES = 120


@dataclass(frozen=True)
class StagedTree:
    """A submission's files in a folder of ours, or the reason why there are none to grade."""

    name: str  # how reports call it, unless the caller knows better
    root: Path  # the folder; regular files of mode 0644 in folders of mode 0755, and no links
    files: tuple[str, ...]  # what is in it, sorted, with "/"
    identity: str  # sha256 over the paths and contents of what was taken of the submission; "" with a fault
    notes: tuple[str, ...]  # what was taken from where, and what was left out
    fault: str | None  # why it is not a tree of the assignment, in words
    account: Account = NO_ACCOUNT  # what became of the submission's files


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
        name = base = _safe_name(f"{_parent(path).name}-{stem}") if alike else stem
        number = 2
        while name.casefold() in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def stage(source: Path, assignment: Assignment, destination: Path, caps: Caps = CAPS) -> StagedTree:
    """Copy what is graded of the tree at `source` into the new folder `destination`, over the pristine tree.

    Raises UsageError where `source` is not there or none of the kinds that are known, where this Python cannot unpack
    it, and where the pristine tree is missing; GraderError where `destination` cannot be written.
    """
    rules = Rules(assignment.layout)
    return _Intake(assignment, rules, given_files(assignment, rules), caps).take(source, destination)


def stage_sources(source: Path, assignment: Assignment, destination: Path, suffixes: tuple[str, ...]) -> StagedTree:
    """Copy all files with these suffixes of the tree at `source`, from where grading looks and from the tree's top.

    Editable or not, and over nothing: what is copied is read as text, and neither graded nor run. Raises as `stage`.
    """
    return _Intake(assignment, Rules(assignment.layout), None, CAPS, suffixes).take(source, destination)


@dataclass(frozen=True)
class _Intake:
    """How a tree is taken in."""

    assignment: Assignment
    rules: Rules
    given: Given | None  # None: there is no pristine tree, and what is handed in is taken whole
    caps: Caps
    suffixes: tuple[str, ...] = ()  # only files with these; empty: a tree that is to be graded

    def take(self, source: Path, destination: Path) -> StagedTree:
        """See `stage`."""
        destination.mkdir(parents=True, exist_ok=True)
        name, ledger = report_names([source])[0], Ledger(self.assignment.layout.editable)
        if source.is_symlink():  # followed, as the caller named it; in a folder of others it may lead to the answers
            ledger.notes.append(f"{shown(source.name)} is a link to {shown(os.readlink(source))}")
        try:
            with _opened(source, self.caps) as opened:
                ledger.commit = opened.commit if isinstance(opened, GitSource) else ""
                top = _find_tree(opened, self.assignment)
                if top:
                    ledger.notes.append(f"taken from its folder {shown(top)}")
                taken = _copy(self._chosen(opened, top, ledger), destination, self.caps)
            _check_required(taken, self.assignment)
            given = self._fill(destination, taken)
        except Refused as refusal:
            fault = f"{shown(_shown_name(source))} {refusal}"
            return StagedTree(name, destination, (), "", tuple(ledger.notes), fault, ledger.closed(0, 0))
        account = ledger.closed(len(taken), len(given))
        files = tuple(sorted([*taken, *given]))
        notes = (*ledger.notes, *account.told())
        return StagedTree(name, destination, files, _identity(taken), notes, None, account)

    def _chosen(self, source: Source, top: str, ledger: Ledger) -> Iterator[Entry]:
        """The entries to be staged, named relative to the tree."""
        prefix = f"{top}/" if top else ""

        def wanted(path: str) -> bool:
            if prefix.startswith(f"{path}/"):
                return True  # on the way to the tree
            return path.startswith(prefix) and self._is_looked_at(path[len(prefix) :], ledger)

        for found in source.entries(wanted):
            if not found.path.startswith(prefix):
                continue
            # One form of a name: the Mac's disks and archives take ü apart, and no import would find it.
            entry = found.named(unicodedata.normalize("NFC", found.path[len(prefix) :]))
            if not entry.path or not self._has_suffix(entry.path):
                continue
            if entry.kind != "file":
                ledger.no_file(entry.path, entry.kind)
            elif self._is_taken(entry, ledger):
                yield entry

    def _is_looked_at(self, path: str, ledger: Ledger) -> bool:
        """Whether an entry of that path may be staged, or compared with what was given, or be a folder of such."""
        if is_never_taken(path):
            ledger.never_taken(path, has_place=self.rules.has_place(path))
            return False
        if self.rules.has_place(path) or (self.given and path in self.given.files):
            return True
        if self.suffixes and "/" not in path and path.endswith(self.suffixes):  # asked for, so at the top as well
            return True
        ledger.passed_over(path)
        return False

    def _has_suffix(self, path: str) -> bool:
        return not self.suffixes or path.endswith(self.suffixes)

    def _is_taken(self, entry: Entry, ledger: Ledger) -> bool:
        """Whether this file is staged; why not goes into the ledger."""
        if self.suffixes:
            return True
        if hidden := self.rules.hides(entry.path):
            ledger.hiding(entry.path, hidden)
        elif self.rules.is_editable(entry.path):
            return True
        elif self.given is None:
            ledger.taken_whole(entry.path)
            return True
        elif entry.path not in self.given.files:
            ledger.ignored(entry.path)
        elif not _is_alike(entry, self.given.files[entry.path], self.caps):
            ledger.changed(entry.path)
        return False

    def _fill(self, destination: Path, taken: Iterable[str]) -> list[str]:
        """Add what the pristine tree has and a submission cannot change; returns the paths."""
        if self.given is None:
            return []
        paths, seen = self.given.staged(self.rules), set[str]()
        for path in (*paths, *taken):  # a student's file may be where a given folder is
            _check_distinct(path, seen)
        _copy((_entry(path, self.given.files[path]) for path in paths), destination, CAPS)
        return paths


def _entry(path: str, file: Path) -> Entry:
    return Entry(path, "file", lambda: open(file, "rb"))


@contextlib.contextmanager
def _opened(source: Path, caps: Caps) -> Iterator[Source]:
    if named := git_source.split(source):
        with git_source.open_commit(*named, caps) as commit:
            yield commit
        return
    if not os.path.lexists(source):
        raise UsageError(f"{source} is not there; expected {_KINDS}.")
    if not os.access(source, os.R_OK | os.X_OK if source.is_dir() else os.R_OK):
        raise UsageError(f"{source} cannot be read by this user; expected {_KINDS}.")
    if source.is_dir():
        yield FolderSource(source, caps)
        return
    if not source.is_file():
        raise UsageError(f"{source} is not a regular file; expected {_KINDS}.")
    archive = ArchiveSource.open(source, caps)
    if archive is None:
        if _ARCHIVE_SUFFIX.search(source.name):
            raise Refused("is not a readable archive: it is empty, cut short, or something else under that name")
        raise UsageError(f"{source} is not an archive; expected {_KINDS}.")
    yield archive


def _is_alike(entry: Entry, given: Path, caps: Caps) -> bool:
    """Whether a file is as it was given; an editor or git may have changed the ends of its lines."""
    with entry.open() as stream:
        data = stream.read(caps.file_bytes)
    return data.replace(b"\r\n", b"\n") == given.read_bytes().replace(b"\r\n", b"\n")


def _find_tree(source: Source, assignment: Assignment) -> str:
    """The folder inside `source` that holds the required files: "" for its top. The one nearest to the top counts."""
    required = assignment.layout.required
    if source.has(required):
        return ""
    kinds = {entry.path: entry.kind for entry in source.entries(lambda path: not is_never_taken(path))}
    paths = {path for path, kind in kinds.items() if kind == "file"}
    if not kinds:
        raise Refused("holds no files")
    tail = f"/{required[0]}"
    folders = [f"/{path}"[: -len(tail)].strip("/") for path in paths if f"/{path}".endswith(tail)]
    folders = [folder for folder in folders if all(_join(folder, path) in paths for path in required)]
    if not folders:
        raise Refused(_not_a_tree(kinds, assignment))
    depth = min(folder.count("/") if folder else -1 for folder in folders)
    nearest = sorted(folder for folder in folders if (folder.count("/") if folder else -1) == depth)
    if len(nearest) > 1:
        names = ", ".join(shown(folder) for folder in nearest[:5])
        raise Refused(f"holds {len(nearest)} trees ({names}); name one of them, or hand in only one")
    return nearest[0]


def _not_a_tree(kinds: Mapping[str, str], assignment: Assignment) -> str:
    """Why there is no tree among these entries, path -> kind."""
    missing = next((path for path in assignment.layout.required if kinds.get(path) != "file"), "")
    ways = tuple(f"/{way}" for way in (missing, *map(str, PurePosixPath(missing).parents[:-1])))
    odd = sorted(path for path, kind in kinds.items() if kind != "file" and f"/{path}".endswith(ways))
    archives = sorted(path for path, kind in kinds.items() if kind == "file" and _ARCHIVE_SUFFIX.search(path))
    if odd:  # `python/needle` of a team's repository is a submodule or a link
        why = f"; {shown(odd[0])} is {kinds[odd[0]]}, and only files count: hand in what it stands for"
    else:
        why = f"; it holds the archive {shown(archives[0])}, which must be unpacked first" if archives else ""
    return f"is not a tree of {assignment.name}: {missing} is not in it{why}"


def _check_required(files: Iterable[str], assignment: Assignment) -> None:
    """A required file may have become a link since the tree was found."""
    kinds = dict.fromkeys(files, "file")
    if not kinds.keys() >= set(assignment.layout.required):
        raise Refused(_not_a_tree(kinds, assignment))


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
    # Neither line breaks, nor what turns the direction, nor zero width. Blanks of other widths are harmless: the Mac
    # writes one (U+202F) before the AM of every screenshot's name.
    plain = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in path)
    if not plain.isprintable() or "\\" in path:
        raise Refused(f"holds {shown(path)}, a name with a backslash or with characters that cannot be printed")
    longest = max(len(part.encode()) for part in path.split("/"))
    if longest > caps.part_bytes or len(path.encode()) > caps.path_bytes:
        raise Refused(f"holds {shown(path)}, a name that is too long ({len(path.encode())} bytes)")
    if path.count("/") >= caps.depth:
        raise Refused(f"holds {shown(path)}, more than {caps.depth} folders deep")


def _check_distinct(path: str, seen: set[str]) -> None:
    """Two entries for one file: which of them counts would hang on the tool and the disk that unpack them."""
    # Windows drops dots and blanks at a name's end.
    key = "/".join(part.rstrip(" .") for part in unicodedata.normalize("NFC", path.casefold()).split("/"))
    folders = [f"{parent}/" for parent in map(str, PurePosixPath(key).parents) if parent != "."]
    if key in seen or f"{key}/" in seen or any(folder[:-1] in seen for folder in folders):
        raise Refused(f"holds {shown(path)} twice (upper and lower case count as one), or as file and folder")
    seen.update([key, *folders])


def _identity(digests: dict[str, str]) -> str:
    total = hashlib.sha256()
    for path in sorted(digests):
        total.update(f"{path}\0{digests[path]}\n".encode())
    return total.hexdigest()


def _shown_name(source: Path) -> str:
    named = git_source.split(source)
    return f"{named[0].name}@{named[1]}" if named else source.name or str(source)


def _parent(path: Path) -> Path:
    named = git_source.split(path)
    return (named[0] if named else path).absolute().parent


def _stem(path: Path) -> str:
    if named := git_source.split(path):  # alice.git@main: COMMIT may hold a "/", and "." is a repository as well
        return f"{_stem(named[0]).removesuffix('.git')}@{named[1]}"
    if not path.is_dir():
        return _ARCHIVE_SUFFIX.sub("", path.name)
    return path.name if path.name not in ("", "..") else path.resolve().name


def _safe_name(text: str) -> str:
    name = re.sub(r"[^\w.+-]+", "_", unicodedata.normalize("NFC", text)).lstrip(".-")
    return name.encode()[:_REPORT_NAME_BYTES].decode("utf-8", "ignore").rstrip(".") or "tree"


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path
