"""Whether a region holds work, or still the stub that derivation left there."""

from __future__ import annotations

from pathlib import PurePosixPath

from grader.derive.markers import Region
from grader.derive.syntax import SYNTAXES

_COMMENTS = {"###": ("#",), "///": ("//", "/*", "*/", "* ")}  # by the prefix of a file type's markers


def is_written(region: Region) -> bool:
    """Whether a student has put something into the region: more than its stub, blank lines and comments."""
    suffix = PurePosixPath(region.path).suffix.lower()
    syntax = next(item for item in SYNTAXES if suffix in item.suffixes)
    stub = _words(syntax.stub(region))
    said = [_words(line) for line in region.lines]
    return any(line and line != stub and not line.startswith(_COMMENTS[syntax.prefix]) for line in said)


def _words(line: str) -> str:
    # Editors indent anew: a stub that was moved by four blanks is a stub still.
    return " ".join(line.split())
