"""The file types that have solution markers. Another one is one more entry of SYNTAXES.

Texts are decoded by `decode` and encoded by `encode`: every byte survives the way there and back, whatever a
file's encoding, line ends or byte order mark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.derive import cells, cpp, ipynb, myst, python
from grader.derive.markers import Region, Span, line_end, pair_markers, refuse_markers, split_lines

_Find = Callable[[Sequence[str], str], list[Region]]  # of a file's lines and path; raises MarkerError
_Place = Callable[[Sequence[str], Sequence[Span], str], list[Region]]  # of lines, marker pairs, path


def _as_it_is(line: str, marker: str) -> str:
    """How a line of a region is written in a file beside the line `marker`."""
    return line + line_end(marker)


@dataclass(frozen=True)
class Syntax:
    """A file type that has markers."""

    suffixes: frozenset[str]  # of the files that are of this type
    prefix: str  # what its markers begin with
    find: _Find  # the regions of a file, in order
    stub: Callable[[Region], str]  # the line that stands for a region, without its end; "" for none
    written: Callable[[str, str], str] = _as_it_is  # a line without its end, as it stands below a BEGIN line

    def fill(self, text: str, region: Region, solution: Sequence[str]) -> str:
        """The file `text` with other lines in one of its regions; they are given as `Region.lines` are."""
        lines = split_lines(text)
        marker = lines[region.first - 1]
        lines[region.first : region.last - 1] = [self.written(line.rstrip("\r\n"), marker) for line in solution]
        return "".join(lines)

    def empty(self, text: str, path: str) -> str:
        """The file with a stub in each region; its markers stay. Raises MarkerError."""
        for region in reversed(self.find(split_lines(text), path)):
            line = self.stub(region)
            text = self.fill(text, region, [line] if line else [])
        return text


def _marked(prefix: str, place: _Place) -> _Find:
    """Finds the regions of a file type whose markers are comment lines anywhere."""
    return lambda lines, path: place(lines, pair_markers(lines, path, prefix), path)


_PYTHON = frozenset({".py", ".pyi"})
_CPP = frozenset({".c", ".cc", ".cpp", ".cu", ".cuh", ".cxx", ".h", ".hh", ".hpp", ".inl"})
SYNTAXES = (
    Syntax(_PYTHON, "###", _marked("###", python.place), python.stub),
    Syntax(_CPP, "///", _marked("///", cpp.place), cpp.stub),
    Syntax(frozenset({".md"}), "###", myst.find, cells.stub),
    Syntax(frozenset({".ipynb"}), "###", ipynb.find, cells.stub, ipynb.written),
)


def find_regions(text: str, path: str) -> list[Region]:
    """The solution regions of a file, in order; none in a file type that has no markers.

    `path` is the file's, from its tree's root, with slashes: its suffix says the type, and regions carry it.
    Raises MarkerError with every violation of the file.
    """
    syntax = _syntax_of(path)
    if syntax is None:
        refuse_markers(split_lines(text), path)
        return []
    return syntax.find(split_lines(text), path)


def derive_text(text: str, path: str) -> str:
    """What students get of a file: its regions emptied, every other line as it is. Raises MarkerError."""
    syntax = _syntax_of(path)
    if syntax is None:
        refuse_markers(split_lines(text), path)
        return text
    return syntax.empty(text, path)


def fill_region(text: str, region: Region, solution: Sequence[str]) -> str:
    """The file `text` with other lines in `region`, one that `find_regions` found in it.

    `solution` is given as `Region.lines` are; each gets the line end of the file. To fill several regions of a file,
    begin with its last: line numbers below it change.
    """
    syntax = _syntax_of(region.path)
    if syntax is None:
        raise ValueError(f"{region.path} is of a file type that has no regions")
    return syntax.fill(text, region, solution)


def decode(data: bytes) -> str:
    """The text of a file; bytes that are not UTF-8 are kept as surrogates."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The inverse of `decode`."""
    return text.encode("utf-8", "surrogateescape")


def _syntax_of(path: str) -> Syntax | None:
    suffix = PurePosixPath(path).suffix.lower()
    return next((syntax for syntax in SYNTAXES if suffix in syntax.suffixes), None)
