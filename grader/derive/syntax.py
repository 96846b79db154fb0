"""The file types that have solution markers. Another one (a notebook, say) is one more entry of SYNTAXES.

Texts are decoded by `decode` and encoded by `encode`: every byte survives the way there and back, whatever a
file's encoding, line ends or byte order mark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.derive import cpp, python
from grader.derive.markers import Region, Span, line_end, pair_markers, refuse_markers, split_lines


@dataclass(frozen=True)
class Syntax:
    """A file type whose markers are comment lines."""

    suffixes: frozenset[str]  # of the files that are of this type
    prefix: str  # what its markers begin with
    place: Callable[[Sequence[str], Sequence[Span], str], list[Region]]  # of lines, marker pairs, path
    stub: Callable[[Region], str]  # the line that stands for a region, without its end; "" for none

    def find(self, text: str, path: str) -> list[Region]:
        """The regions of a file, in order. Raises MarkerError."""
        lines = split_lines(text)
        return self.place(lines, pair_markers(lines, path, self.prefix), path)

    def empty(self, text: str, path: str) -> str:
        """The file with a stub in each region; its markers stay. Raises MarkerError."""
        lines = split_lines(text)
        for region in reversed(self.find(text, path)):
            line = self.stub(region)
            begin = lines[region.first - 1]
            lines[region.first : region.last - 1] = [line + line_end(begin)] if line else []
        return "".join(lines)


_PYTHON = frozenset({".py", ".pyi"})
_CPP = frozenset({".c", ".cc", ".cpp", ".cu", ".cuh", ".cxx", ".h", ".hh", ".hpp", ".inl"})
SYNTAXES = (Syntax(_PYTHON, "###", python.place, python.stub), Syntax(_CPP, "///", cpp.place, cpp.stub))


def find_regions(text: str, path: str) -> list[Region]:
    """The solution regions of a file, in order; none in a file type that has no markers.

    `path` is the file's, from its tree's root, with slashes: its suffix says the type, and regions carry it.
    Raises MarkerError with every violation of the file.
    """
    syntax = _syntax_of(path)
    if syntax is None:
        refuse_markers(split_lines(text), path)
        return []
    return syntax.find(text, path)


def derive_text(text: str, path: str) -> str:
    """What students get of a file: its regions emptied, every other line as it is. Raises MarkerError."""
    syntax = _syntax_of(path)
    if syntax is None:
        refuse_markers(split_lines(text), path)
        return text
    return syntax.empty(text, path)


def decode(data: bytes) -> str:
    """The text of a file; bytes that are not UTF-8 are kept as surrogates."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The inverse of `decode`."""
    return text.encode("utf-8", "surrogateescape")


def _syntax_of(path: str) -> Syntax | None:
    suffix = PurePosixPath(path).suffix.lower()
    return next((syntax for syntax in SYNTAXES if suffix in syntax.suffixes), None)
