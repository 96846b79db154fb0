"""The proof that a tree or an archive holds no solution.

A *solution line* is a line of a region, not a comment, that occurs nowhere in what the reference derives to.
Lines are compared without white space, and as if no comment sign stood before them, so that neither another
indentation nor commenting out hides one. Whether a file holds a solution depends on what it is:

- A file that reference/ derives to (known by its path; of a notebook that is its .ipynb) may hold no solution
  line at all. That needs no exception, by definition: every line that belongs there is one that students get.
- Any other file (a test, the grader, the README, a notebook) was written on its own and may say the same
  small thing by chance, `nbatch = len(data) // batch_size` for instance. It may hold no run of RUN lines of a
  region (or all of a shorter region) with RUN_CHARACTERS together, and no single solution line of
  LINE_CHARACTERS. Comparing runs of lines, "shingles", is how copied text is found: Broder, "On the
  resemblance and containment of documents", 1997.

No notebook may keep outputs: pictures cannot be looked through.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from grader.derive.ipynb import read_notebook
from grader.derive.markers import Region, split_lines
from grader.derive.syntax import decode, derive_text, find_regions
from grader.derive.tree import notebook_sources, read_tree
from grader.errors import UsageError

RUN = 3  # lines
RUN_CHARACTERS = 40  # of a run, white space not counted
LINE_CHARACTERS = 60  # of a single line, white space not counted

_T = TypeVar("_T")
_COMMENT = re.compile(r"\s*(?:#(?![a-z])|//|/\*)")  # `#include` and `#pragma` are code
_COMMENT_SIGNS = re.compile(r"^[#/*>]+")


class LeakError(UsageError):
    """A solution would be handed out; the text names every place."""

    def __init__(self, leaks: Sequence[str]) -> None:
        super().__init__("\n".join(leaks))
        self.leaks = tuple(leaks)


@dataclass(frozen=True)
class Solutions:
    """What may not be handed out."""

    paths: frozenset[str]  # the files that have regions, from the reference's root
    lines: Mapping[str, Region]  # every solution line, condensed, and a region that it is of
    runs: Mapping[tuple[str, ...], Region]  # every telling run of lines, condensed, and its region


@dataclass(frozen=True)
class _Line:
    """A line of a file that is looked through."""

    place: str  # "hw4/README.md:12"
    text: str  # as it stands
    condensed: str  # as it is compared


def leaks(reference: Path, archive_or_tree: Path) -> list[str]:
    """One sentence for each place where a zip archive or a folder holds a solution of `reference`.

    Raises UsageError where there is nothing to compare: a reference without solutions proves anything clean.
    """
    return leaks_in(read_solutions(reference), _read_all(archive_or_tree))


def leaks_in(solutions: Solutions, files: Mapping[str, bytes]) -> list[str]:
    """The same for files given by their paths with slashes."""
    return [sentence for path, data in sorted(files.items()) for sentence in _leaks_in_file(solutions, path, data)]


def read_solutions(reference: Path) -> Solutions:
    """The solutions of a reference tree. Raises UsageError where it has none, MarkerError on bad markers."""
    regions: list[Region] = []
    handed_out: set[str] = set()
    files = read_tree(reference)
    notebooks = notebook_sources(files)
    for path, file in files.items():
        if path in notebooks.values():
            continue  # made from its text, which is read instead
        text = decode(file.data)
        regions += find_regions(text, path)
        handed_out.update(_condense(line) for line in split_lines(derive_text(text, path)))
    lines: dict[str, Region] = {}
    runs: dict[tuple[str, ...], Region] = {}
    for region in regions:
        code = [_condense(line) for line in _code(region.lines)]
        telling = [line for line in code if line not in handed_out]
        lines.update(dict.fromkeys(telling, region))
        for run in _runs(code, min(RUN, len(code))):
            if sum(map(len, run)) >= RUN_CHARACTERS and not handed_out.issuperset(run):
                runs[run] = region
    if not lines:
        raise UsageError(f"{reference} has no line inside solution markers, so nothing can be proved with it.")
    paths = {region.path for region in regions}
    paths.update(made for source, made in notebooks.items() if source in paths)
    return Solutions(frozenset(paths), lines, runs)


def _leaks_in_file(solutions: Solutions, path: str, data: bytes) -> Iterator[str]:
    yield from _outputs(path, data)
    lines = [_Line(place, text, _condense(text)) for place, text in _text(path, data)]
    derived = any(path == known or path.endswith("/" + known) for known in solutions.paths)
    for line in lines:
        region = solutions.lines.get(line.condensed)
        if region is not None and (derived or len(line.condensed) >= LINE_CHARACTERS):
            yield _sentence("a line", line, region)
    if derived:
        return
    # Once with its comments and once without: a copy may have other comments, or be commented out itself.
    said = [line for line in lines if _says_something(line.text)]
    code = [line for line in said if not _COMMENT.match(line.text)]
    found: dict[_Line, Region] = {}
    for sequence in (said, code):
        for size in range(1, RUN + 1):
            for run in _runs(sequence, size):
                region = solutions.runs.get(tuple(line.condensed for line in run))
                if region is not None:
                    found[run[0]] = region
    for line, region in found.items():
        yield _sentence("several lines", line, region)


def _outputs(path: str, data: bytes) -> Iterator[str]:
    """What a run has left in a notebook: a picture or a table may show what no line of text says."""
    if PurePosixPath(path).suffix.lower() == ".ipynb":
        for number, cell in enumerate(read_notebook(decode(data)) or (), start=1):
            if cell.has_outputs:
                yield f"{path}: cell {number} keeps the outputs of a run, which may show a solution; clear them"


def _sentence(what: str, line: _Line, region: Region) -> str:
    of = f"{region.name} " if region.name else ""
    source = f"reference/{region.path}:{region.first}"
    return f"{line.place}: holds {what} of the solution {of}({source}): {line.text.strip()!r}"


def _runs(items: Sequence[_T], size: int) -> Iterator[tuple[_T, ...]]:
    return (tuple(items[start : start + size]) for start in range(len(items) - size + 1))


def _code(lines: Sequence[str]) -> Iterator[str]:
    return (line for line in lines if not _COMMENT.match(line) and _says_something(line))


def _says_something(line: str) -> bool:
    return any(character.isalnum() for character in line)  # brackets alone belong to nobody


def _condense(line: str) -> str:
    return _COMMENT_SIGNS.sub("", "".join(line.split()))


def _text(path: str, data: bytes) -> Iterator[tuple[str, str]]:
    """The lines of a file, with places; of JSON (a notebook) those in its strings, where they are escaped."""
    text = decode(data)
    if text.lstrip()[:1] in ("{", "["):  # JSON by whatever name: a notebook's copy need not be called .ipynb
        try:
            strings = [*_strings(json.loads(text))]
        except (ValueError, RecursionError):
            pass  # not JSON: read as it stands
        else:
            yield from ((path, line) for string in strings for line in split_lines(string))
            return
    yield from ((f"{path}:{number}", line) for number, line in enumerate(split_lines(text), start=1))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)


def _read_all(archive_or_tree: Path) -> dict[str, bytes]:
    if archive_or_tree.is_dir():
        return {path: file.data for path, file in read_tree(archive_or_tree).items()}
    if not zipfile.is_zipfile(archive_or_tree):
        raise UsageError(f"{archive_or_tree} is neither a folder nor a zip archive; name the release or a tree.")
    with zipfile.ZipFile(archive_or_tree) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
