"""The files of a staged tree, each read by its language's rules."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.reading.flag import Flag
from grader.reading.native import read_native
from grader.reading.python import module_names, read_python
from grader.reading.settings import Settings

MOST_FILE = 1 << 20  # bytes; the largest of a needle has 50 KB
MOST_TREE = 16 << 20  # bytes of all that is read; the reference has 0.5 MB
UNREAD = "what cannot be read here could hold anything"

_NATIVE = {".c", ".cc", ".cpp", ".cxx", ".cu", ".h", ".hh", ".hpp", ".hxx", ".cuh", ".inc", ".inl", ".ipp", ".tpp"}


def chosen(files: Sequence[str], native: Sequence[str], settings: Settings) -> list[str]:
    """Those that are read: Python's, C++'s, and whatever lies beside a module's source, which could include it.

    native: the modules' sources.
    """
    folders = {f"{folder}/" for source in native if (folder := source.rpartition("/")[0])}
    return [
        path
        for path in files
        if not settings.is_program(path)
        and (path.endswith(".py") or is_native(path) or any(path.startswith(folder) for folder in folders))
    ]


def is_native(path: str) -> bool:
    """Whether it is C++ or CUDA, by its name."""
    return os.path.splitext(path)[1].lower() in _NATIVE


def unread_programs(files: Sequence[str], settings: Settings) -> frozenset[str]:
    """What an import may call the programs that are not read, none of them a name of something that is."""
    read = {
        name for path in files if path.endswith(".py") and not settings.is_program(path) for name in module_names(path)
    }
    programs = {
        name for path in files if path.endswith(".py") and settings.is_program(path) for name in module_names(path)
    }
    return frozenset(programs - read)


def read_files(
    root: Path, paths: Sequence[str], programs: frozenset[str], settings: Settings
) -> Iterator[tuple[str, list[Flag]]]:
    """Each file's flags, in their order. A file that its language's parser refuses is a flag, too.

    A file may be made to crash or stall the parser: then nothing more comes; see `apart`.
    """
    left = MOST_TREE
    for path in paths:
        data = _content(root / path, min(left, MOST_FILE))
        left -= len(data or b"")
        yield path, _read(path, data, programs, settings)


def _read(path: str, data: bytes | None, programs: frozenset[str], settings: Settings) -> list[Flag]:
    if data is None:
        return [Flag(path, 0, f"is not read: it is no plain file, or too large (over {MOST_FILE >> 20} MiB)", UNREAD)]
    if not path.endswith(".py"):
        return read_native(path, data.decode("latin-1"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a student's "\d" and "is 1"
            return read_python(path, _source(data), settings, programs)
    except (RecursionError, MemoryError):
        return [Flag(path, 0, "is not read: its expressions are nested too deeply", UNREAD)]
    except (SyntaxError, ValueError, LookupError):  # of null bytes, of an encoding that is none
        return []  # Python cannot run it either, and whoever imports it is told so


def _source(data: bytes) -> str:
    """The text as Python would decode it: by a byte order mark or a `coding:` line, else UTF-8."""
    import io
    import tokenize

    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding)


def _content(file: Path, most: int) -> bytes | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = stream.read(most + 1)
    return data if len(data) <= most else None
