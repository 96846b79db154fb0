"""A submission's own functions, by where they begin.

A worker tells which functions ran (file and line) and which compiled ones were called (names). It shares its process
with the submission, so nothing of that is shown: the names and lines are read from the submission's files. Those are
hostile as well. Whatever is in them is read once, in time that grows with its length alone: no clock runs here.
"""

from __future__ import annotations

import io
import os
import re
import tokenize
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from grader.assignment import Part
from grader.derive.markers import MarkerError, Region, Span, pair_markers, split_lines
from grader.derive.syntax import decode
from grader.evidence import Lines
from grader.parts import part_of
from grader.visible import visible

_LARGEST = 1 << 17  # bytes of a file that is looked at
_IN_ALL = 1 << 20  # bytes of all files that are
_WIDEST = 2000  # characters of a line: Python's tokenizer may look at all that is left of it once a token
_LONGEST = 120  # characters of a function's name
_NATIVE_HEAD = re.compile(r"[A-Za-z_][^(=;#]{0,200}?\b([A-Za-z_]\w*)\s{0,9}\(")


class OwnCode:
    """The functions of a staged tree. Nothing of it is parsed: a parser of Python's can be made to crash."""

    def __init__(self, root: Path, parts: Sequence[Part]) -> None:
        """parts: of the assignment, which say what is written where."""
        self._parts = parts
        self._files = dict(_files(root))
        self._left = _IN_ALL
        self._functions: dict[str, Mapping[int, Lines]] = {}
        self._natives: dict[str, Mapping[str, Sequence[Lines]]] = {}

    def function(self, file: str, line: int) -> Lines | None:
        """The Python function that begins there, if the submission has it and its author could have written it.

        Where a file has solution regions, that is a function which has one, or stands in one.
        """
        if file not in self._files:  # a worker may name anything
            return None
        if file not in self._functions:
            text = self._text(file)
            spans = _spans(text, file, "###")
            found = _python_functions(text, file)
            self._functions[file] = {begins: at for begins, at in found if not spans or _touches(at, spans)}
        return self._functions[file].get(line)

    def natives(self, source: str, names: Collection[str]) -> list[Lines]:
        """Those functions of a C++ file with a solution region that Python knows by one of these names: reduce_sum."""
        if source not in self._natives:
            self._natives[source] = _native_functions(self._text(source), source)
        found = self._natives[source]
        return [at for name in sorted({_folded(name) for name in names}) for at in found.get(name, ())]

    def is_task(self, at: Lines, problem: str) -> bool:
        """Whether it is written for the part of the text that this problem belongs to."""
        place = part_of(self._parts, Region(at.file, at.first, at.last, "", at.name, in_function=True, lines=()))
        return place is not None and problem in place[0].problems

    def _text(self, file: str) -> str:
        """The file's text; empty where the tree has none of that name, or it is no text that a person has written."""
        if file not in self._files:
            return ""
        try:
            with open(self._files[file], "rb") as stream:
                data = stream.read(_LARGEST + 1)
        except OSError:  # nobody may read it
            return ""
        if len(data) > min(_LARGEST, self._left):
            return ""
        self._left -= len(data)
        text = decode(data).removeprefix("\ufeff")  # with which some editors begin a file
        return text if all(len(line) <= _WIDEST for line in split_lines(text)) else ""


def _files(root: Path) -> Iterator[tuple[str, str]]:
    """(path from the root as it is shown, path) of the tree's regular files. No path is made of a worker's word."""
    left = [("", os.fspath(root))]
    while left:
        above, folder = left.pop()
        try:
            with os.scandir(folder) as listed:
                entries = [entry for entry in listed if entry.name.isprintable()]
        except OSError:  # nobody may look into it
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                left.append((f"{above}{entry.name}/", entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield above + entry.name, entry.path


def _spans(text: str, file: str, prefix: str) -> list[Span]:
    """The solution regions, in order."""
    try:
        return pair_markers(split_lines(text), file, prefix)
    except MarkerError:  # its markers are no pairs any more: the student's own affair
        return []


def _touches(at: Lines, spans: Sequence[Span]) -> bool:
    """Whether any of the regions, which are in order, has a line of the function's."""
    place = bisect_left(spans, at.first, key=lambda span: span.last)
    return place < len(spans) and spans[place].first <= at.last


def _python_functions(text: str, file: str) -> Iterator[tuple[int, Lines]]:
    """(the line where Python says that it begins: of a decorated one that of its first decorator, the function)."""
    scopes: list[tuple[str, int, int, bool]] = []  # name, line, where it begins, whether it is a function; by depth
    opened: tuple[str, int, int, bool] | None = None  # a head whose block has not begun
    decorator = 0
    head: list[str] = []  # the first words of the statement that is being read, without "async"
    begun, ended = 0, ""  # the line of its first word, and its last word; "" before the first
    last = 0  # line of the last token that is code
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            if token.type == tokenize.INDENT:
                scopes.append(opened or ("", 0, 0, False))
                opened = None
            elif token.type == tokenize.DEDENT:
                name, line, begins, is_function = scopes.pop()
                if is_function:
                    yield begins, Lines(file, line, last, _dotted(scopes, name))
            elif token.type == tokenize.NEWLINE:
                if opened is not None and ended and ended != ":":  # all in one line
                    name, line, begins, is_function = opened
                    if is_function:
                        yield begins, Lines(file, line, token.start[0], _dotted(scopes, name))
                    opened = None
                head, ended, last = [], "", token.start[0]
            elif token.type == tokenize.ERRORTOKEN:
                return  # no Python; and after a quote that is never closed each token may look at all that is left
            elif token.type not in (tokenize.COMMENT, tokenize.NL):
                if not ended:
                    begun = token.start[0]
                    if token.string == "@":
                        decorator = decorator or begun
                ended = token.string or ended
                if len(head) < 2 and ended != "async":
                    head.append(ended)
                    # No Python otherwise; and in the place of the name a string could hold lines of a report.
                    if len(head) == 2 and head[0] in ("def", "class") and ended.isidentifier():
                        opened = (ended[:_LONGEST], begun, decorator or begun, head[0] == "def")
                        decorator = 0
    except (tokenize.TokenError, SyntaxError, ValueError):  # no Python; ValueError: a surrogate, from Python 3.12 on
        return


def _dotted(scopes: Sequence[tuple[str, int, int, bool]], name: str) -> str:
    names = [scope[0] for scope in scopes if scope[0]]
    return visible(".".join([*names, name]))[:_LONGEST]


def _native_functions(text: str, source: str) -> Mapping[str, Sequence[Lines]]:
    """The regions in functions, by the folded name of the function: the last one before that begins at the edge."""
    found: defaultdict[str, list[Lines]] = defaultdict(list)
    regions = {span.first: span for span in _spans(text, source, "///") if span.indent}
    name = ""
    for number, line in enumerate(split_lines(text), start=1):
        if head := _NATIVE_HEAD.match(line):
            name = head[1]
        elif number in regions and name:
            found[_folded(name)].append(Lines(source, number, regions[number].last, name[:_LONGEST]))
    return found


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
