"""OLD as texts. It is taken in as a submission is: folder, archive or commit, under caps, no links, no binaries."""

from __future__ import annotations

import io
import tempfile
import tokenize
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.assignment import Assignment
from grader.derive.syntax import decode
from grader.errors import UsageError
from grader.intake import stage_sources

CPP = (".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp")
SOURCES = (".py", ".ipynb", *CPP)  # beside them lie data sets and checkpoints, of any size
LONGEST = 2 << 20  # bytes of a file that is looked at; the longest honest one has 40,000


@dataclass(frozen=True)
class OldTree:
    """The sources of a student's earlier tree."""

    texts: dict[str, str]  # path -> text; every line ends with "\n"
    notes: tuple[str, ...]  # what was left out, and where in an archive the tree was found


def read_old(source: Path, assignment: Assignment) -> OldTree:
    """Read a folder, zip, tar or commit. Raises UsageError where it is not there or holds no tree of the assignment."""
    with tempfile.TemporaryDirectory(prefix="carry-") as folder:
        staged = stage_sources(source, assignment, Path(folder) / "old", SOURCES)
        if staged.fault is not None:
            raise UsageError(
                f"{staged.fault}. --from wants your earlier tree: the folder that holds "
                f"{' and '.join(assignment.layout.required)}, or an archive of it."
            )
        texts = {}
        notes = [f"OLD: {note}" for note in staged.notes]
        for path in staged.files:
            data = (staged.root / path).read_bytes()
            if len(data) > LONGEST:
                notes.append(f"OLD: left out: {path}, {len(data) >> 20} MiB are no source text")
            else:
                texts[path] = _readable(text_of(data, path), path)
    return OldTree(texts, tuple(notes))


def _readable(text: str, path: str) -> str:
    """Python in an encoding that it does not name, made UTF-8: it is a comment's umlaut as a rule."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1") if _is_torn(text, path) else text


def _is_torn(text: str, path: str) -> bool:
    return path.endswith(".py") and any("\udc80" <= character <= "\udcff" for character in text)


def text_of(data: bytes, path: str) -> str:
    """A file's text: without a byte order mark, its lines ended as on Unix, in the encoding that it names."""
    text = None
    if PurePosixPath(path).suffix == ".py":
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            text = data.decode(encoding)
        except (SyntaxError, UnicodeDecodeError, LookupError):
            text = None  # Python could not read it either; its parser then says so
    if text is None:
        text = decode(data)
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
