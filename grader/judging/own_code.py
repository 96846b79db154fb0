"""Which of a submission's own functions a wrong answer came through, the likeliest first.

A worker tells which functions ran (file and line) and which compiled ones were called (names). It shares its process
with the submission, so nothing of that is shown: the names and lines are read from the submission's files.

Which function is the likeliest is a question of fault localisation by spectra. Each kind of question is a test that
passed or failed; by Ochiai's formula a function scores failed(f) / sqrt(failed * (failed(f) + passed(f))), where failed
is how many kinds failed, and failed(f) and passed(f) count those that ran f (R. Abreu, P. Zoeteweij, A. van Gemund:
"An evaluation of similarity coefficients for software fault localization", PRDC 2006).
"""

from __future__ import annotations

import io
import math
import re
import tokenize
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Part
from grader.derive.markers import MarkerError, Region, Span, pair_markers, split_lines
from grader.derive.syntax import decode
from grader.evidence import Lines
from grader.parts import part_of
from grader.visible import visible

SHOWN = 3
_SUSPICIOUS = 0.7  # of the most suspicious function's score, below which another is not worth showing
# Words of a test's name, and what a function that has to do with it may be called.
_ALIKE = {"backward": ("backward", "grad"), "forward": ("forward", "compute")}
_LARGEST = 1 << 20  # bytes of a file that is looked at
_LONGEST = 120  # characters of a function's name
_NATIVE_HEAD = re.compile(r"[A-Za-z_][^(=;#]{0,200}?\b([A-Za-z_]\w*)\s{0,9}\(")


@dataclass(frozen=True)
class Trace:
    """What ran for a kind of question."""

    failed: bool
    functions: frozenset[Lines]


class OwnCode:
    """The functions of a staged tree. Nothing of it is parsed: a parser of Python's can be made to crash."""

    def __init__(self, root: Path, parts: Sequence[Part]) -> None:
        """parts: of the assignment, which say what is written where."""
        self._root = root
        self._parts = parts
        self._functions: dict[str, dict[int, Lines]] = {}
        self._spans: dict[str, list[Span]] = {}

    def function(self, file: str, line: int) -> Lines | None:
        """The Python function that begins there, if the submission has it and its author could have written it.

        Where a file has solution regions, that is a function which has one, or stands in one.
        """
        if file not in self._functions:
            self._functions[file] = dict(_python_functions(self._text(file), file))
        found = self._functions[file].get(line)
        return found if found is not None and self._is_own(found) else None

    def natives(self, source: str, names: Collection[str]) -> list[Lines]:
        """Those functions of a C++ file with a solution region that Python knows by one of these names: reduce_sum."""
        wanted, lines = {_folded(name) for name in names}, split_lines(self._text(source))
        found = []
        for span in self._spans_of(source, "///"):
            name = _native_name(lines[: span.first]) if span.indent else ""
            if _folded(name) in wanted:
                found.append(Lines(source, span.first, span.last, name[:_LONGEST]))
        return found

    def is_task(self, at: Lines, problem: str) -> bool:
        """Whether it is written for the part of the text that this problem belongs to."""
        place = part_of(self._parts, Region(at.file, at.first, at.last, "", at.name, in_function=True, lines=()))
        return place is not None and problem in place[0].problems

    def _is_own(self, at: Lines) -> bool:
        spans = self._spans_of(at.file, "###")
        return not spans or any(span.first <= at.last and at.first <= span.last for span in spans)

    def _spans_of(self, file: str, prefix: str) -> list[Span]:
        if file not in self._spans:
            try:
                self._spans[file] = pair_markers(split_lines(self._text(file)), file, prefix)
            except MarkerError:  # its markers are no pairs any more: the student's own affair
                self._spans[file] = []
        return self._spans[file]

    def _text(self, file: str) -> str:
        """The file's text; empty where it is none of the tree's, for a worker may name anything, or too long."""
        path = self._root / file
        inside = path.resolve().is_relative_to(self._root.resolve()) and visible(file) == file
        if not inside or not path.is_file() or path.stat().st_size > _LARGEST:
            return ""
        return decode(path.read_bytes())


def likeliest(
    own: OwnCode, problem: str, trace: Trace, traces: Sequence[Trace], about: Collection[str] = ()
) -> tuple[Lines, ...]:
    """Where to look first, for a failed kind of a problem whose kinds are `traces`.

    Of what is written for the problem's part, if any of that ran, else of everything, the most suspicious; of equals
    what has most of the words `about` in its name, then the longest, constructors last.
    """
    failed = sum(other.failed for other in traces)
    suspicion = {at: _ochiai(at, failed, traces) for at in trace.functions}
    asked_for = [at for at in suspicion if own.is_task(at, problem)] or list(suspicion)
    enough = _SUSPICIOUS * max((suspicion[at] for at in asked_for), default=0)

    def order(at: Lines) -> tuple[object, ...]:
        named = f"{Path(at.file).name} {at.name}".lower()
        return (
            -round(suspicion[at], 6),
            -sum(any(word in named for word in _ALIKE.get(word, (word,))) for word in about),
            at.name.endswith("__init__"),
            at.first - at.last,
            at.file,
            at.first,
        )

    return tuple(sorted((at for at in asked_for if suspicion[at] >= enough), key=order)[:SHOWN])


def _ochiai(at: Lines, failed: int, traces: Sequence[Trace]) -> float:
    in_failed = sum(at in trace.functions for trace in traces if trace.failed)
    in_passed = sum(at in trace.functions for trace in traces if not trace.failed)
    return in_failed / math.sqrt(failed * (in_failed + in_passed))


def _python_functions(text: str, file: str) -> Iterator[tuple[int, Lines]]:
    """(the line where Python says that it begins: of a decorated one that of its first decorator, the function)."""
    scopes: list[tuple[str, int, int, bool]] = []  # name, line, where it begins, whether it is a function; by depth
    opened: tuple[str, int, int, bool] | None = None  # a head whose block has not begun
    decorator = 0
    words: list[tokenize.TokenInfo] = []  # of the statement that is being read
    last = 0  # line of the last token that is code
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.INDENT:
                scopes.append(opened or ("", 0, 0, False))
                opened = None
            elif token.type == tokenize.DEDENT:
                name, line, begins, is_function = scopes.pop()
                if is_function:
                    yield begins, Lines(file, line, last, _dotted(scopes, name))
            elif token.type == tokenize.NEWLINE:
                if opened is not None and words and words[-1].string != ":":  # all in one line
                    name, line, begins, is_function = opened
                    if is_function:
                        yield begins, Lines(file, line, token.start[0], _dotted(scopes, name))
                    opened = None
                words, last = [], token.start[0]
            elif token.type not in (tokenize.COMMENT, tokenize.NL):
                words.append(token)
                if len(words) == 1 and token.string == "@":
                    decorator = decorator or token.start[0]
                head = [word.string for word in words if word.string != "async"]
                if len(words) < 4 and len(head) == 2 and head[0] in ("def", "class"):
                    line = words[0].start[0]
                    opened = (head[1], line, decorator or line, head[0] == "def")
                    decorator = 0
    except (tokenize.TokenError, SyntaxError):  # it would not have run: somebody named another file
        return


def _dotted(scopes: Sequence[tuple[str, int, int, bool]], name: str) -> str:
    names = [scope[0] for scope in scopes if scope[0]]
    return visible(".".join([*names, name]))[:_LONGEST]


def _native_name(above: Sequence[str]) -> str:
    """The function whose body the next line is in: the last one that begins at the edge."""
    heads = (_NATIVE_HEAD.match(line) for line in reversed(above))
    return next((head[1] for head in heads if head), "")


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
