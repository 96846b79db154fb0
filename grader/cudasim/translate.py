"""From CUDA C++ to C++17, source to source: what g++ and clang++ then compile against include/cudasim/cudasim.h."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from grader.cudasim import launches, unsupported, variables
from grader.cudasim.code import live
from grader.cudasim.edits import Edits
from grader.cudasim.tokens import Source, read

_CUDA = {".cu", ".cuh"}
_HEADERS = {".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".tpp"}  # CUDA if there is any of _MARKS in it
_MARKS = {"<<<", "__global__", "__device__", "__shared__", "__constant__", "__managed__"}
_MOST = 20  # findings of a file that are told: enough to see what is going on


class Unsupported(ValueError):
    """A source cannot be translated. Its text is a line a finding: `src/x.cu:40: ...; what to do instead`."""


def translate(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """All sources of a tree, those in CUDA as C++17: same names, same lines, everything else byte for byte.

    sources: a path, as messages shall name it, to the file's content; `.cu` and `.cuh` files, and headers that use
    CUDA's words, are translated, the others come back as they are. Raises Unsupported with all findings at once.
    """
    translated, findings = {}, []
    for path, content in sorted(sources.items()):
        source = _cuda_source(path, content)
        translated[path] = content
        if source is not None:
            edits = _edits(source)
            findings += _lines(path, edits)
            translated[path] = edits.result().encode("latin-1")
    if findings:
        raise Unsupported("\n".join(findings))
    return translated


def _cuda_source(path: str, content: bytes) -> Source | None:
    """The file's tokens, if there is CUDA in it."""
    suffix = PurePosixPath(path).suffix
    if suffix not in _CUDA | _HEADERS:
        return None
    text = content.decode("latin-1")
    if suffix in _HEADERS and not any(mark in text for mark in _MARKS):
        return None
    source = read(path, text)
    return source if suffix in _CUDA or any(token.text in _MARKS for token in source.tokens) else None


def _edits(source: Source) -> Edits:
    edits = Edits(source)
    code = live(source)
    unsupported.find_headers(code.includes, edits)
    for region in code.regions:
        unsupported.find_words(region, edits)
        variables.rewrite(region, edits)
        launches.rewrite(region, edits)
    return edits


def _lines(path: str, edits: Edits) -> list[str]:
    """The findings of a file as lines of text, in the order of its lines."""
    lines = [f"{path}:{line}: {why}" for line, why in sorted(set(edits.findings))]
    return [*lines[:_MOST], f"{path}: {len(lines) - _MOST} more"] if len(lines) > _MOST else lines
