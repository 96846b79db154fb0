"""From CUDA C++ to C++17, source to source: what g++ and clang++ then compile against include/cudasim/cudasim.h."""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import PurePosixPath

from grader.cudasim import flags, kernels, launches, unsupported, variables
from grader.cudasim.code import Code, live
from grader.cudasim.edits import Edits
from grader.cudasim.tokens import Source, read

_CUDA = {".cu", ".cuh"}
_HEADERS = {".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".tpp"}  # CUDA if there is any of _MARKS in it
_MARKS = {"<<<", "__global__", "__device__", "__shared__", "__constant__", "__managed__"}
_MOST = 20  # findings of a file that are told: enough to see what is going on
_LONGEST = 600  # characters of one; a name in it may be as long as the file
_MOST_BYTES = 1 << 20  # of a tree's CUDA; a backend has 50 KB, and each MiB takes some seconds of the grader's own time


class Unsupported(ValueError):
    """A source cannot be translated. Its text is a line a finding: `src/x.cu:40: ...; what to do instead`."""


def translate(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """All sources of a tree, those in CUDA as C++17: same names, same lines, everything else byte for byte.

    sources: a path, as messages shall name it, to the file's content; `.cu` and `.cuh` files, and headers that use
    CUDA's words, are translated, the others come back as they are. Raises Unsupported with all findings at once.
    """
    translated, findings, looked_at = {}, [], 0
    files: list[tuple[str, Code, Edits]] = []
    all_marked = True  # every kernel says when it begins
    known = {PurePosixPath(path).name for path in sources} | {path.name for path in flags.INCLUDE.iterdir()}
    for path, content in sorted(sources.items()):
        translated[path] = content
        if not _may_have_cuda(path, content):
            all_marked &= b"__global__" not in content
            continue
        looked_at += len(content)
        if looked_at > _MOST_BYTES:
            findings.append(
                f"{path}:1: cuda-sim does not support more than {_MOST_BYTES} bytes of CUDA in all, and with the "
                f"{len(content)} of this file there are {looked_at}; keep data in files without CUDA"
            )
            break
        source = read(path, content.decode("latin-1"))
        if _has_cuda(source):
            code, edits = live(source), Edits(source)
            files.append((path, code, edits))
            marked = [kernels.mark(region, edits) for region in code.regions]  # all of them, whatever the first says
            all_marked &= all(marked) and _seen(code, known)
    for path, code, edits in files:
        _rewrite(code, edits, all_marked)
        findings += _lines(path, edits)
        translated[path] = edits.result().encode("latin-1")
    if findings:
        raise Unsupported("\n".join(findings))
    return translated


def _may_have_cuda(path: str, content: bytes) -> bool:
    """Whether a look at the file's tokens is worth the time."""
    suffix = PurePosixPath(path).suffix
    return suffix in _CUDA or (suffix in _HEADERS and any(mark.encode() in content for mark in _MARKS))


def _has_cuda(source: Source) -> bool:
    """Whether there is CUDA in the code, and not only in comments and strings."""
    return PurePosixPath(source.path).suffix in _CUDA or any(token.text in _MARKS for token in source.tokens)


def _seen(code: Code, known: Set[str]) -> bool:
    """Whether what a file includes is known by its name, or a library's, where there are no kernels of its own."""
    for token in code.includes:
        written = token.text.strip()
        library = written.startswith("<") and not written.endswith((".cu>", ".cuh>"))
        if not library and PurePosixPath(written.strip('"<>')).name not in known:
            return False
    return True


def _rewrite(code: Code, edits: Edits, all_marked: bool) -> None:
    unsupported.find_headers(code.includes, edits)
    for region in code.regions:
        unsupported.find_words(region, edits)
        variables.rewrite(region, edits)
        launches.rewrite(region, edits, all_marked)


def _lines(path: str, edits: Edits) -> list[str]:
    """The findings of a file as lines of text, in the order of its lines."""
    lines = [f"{path}:{line}: {why[:_LONGEST]}" for line, why in sorted(set(edits.findings))]
    return [*lines[:_MOST], f"{path}: {len(lines) - _MOST} more"] if len(lines) > _MOST else lines
