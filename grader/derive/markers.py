"""Solution markers: pair them, and report every misuse with its file and line.

A region is two marker lines of one spelling and what stands between them:

    ### BEGIN YOUR SOLUTION        `///` in C++ and CUDA; `BEGIN SOLUTION` is accepted too
    ...
    ### END YOUR SOLUTION

A marker that is not recognised hands its solution to every student, and nothing later would notice. So
whatever looks like a marker without being one is an error here, never a comment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.errors import UsageError

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_MARKER = re.compile(r"(?P<indent>[ \t]*)(?P<prefix>###|///) (?P<end>BEGIN|END) (?P<noun>YOUR SOLUTION|SOLUTION)[ \t]*")

# In capitals anywhere; in any case where it is all that a comment says; and any comment of a marker's prefix
# that shouts SOLUTION. "begin your solution with a sketch" in a docstring is prose, and stays possible.
LOOKS_LIKE_A_MARKER = re.compile(
    r"\b(?:BEGIN|END)[ \t_-]+(?:OF[ \t_-]+)?(?:YOUR[ \t_-]*)?SOLUTIONS?\b"
    r"|^\s*[#/]+\s*(?i:(?:begin|end)[ \t_-]*(?:of[ \t_-]*)?(?:your[ \t_-]*)?solutions?)[ \t.:#/]*$"
    r"|^[ \t]*(?:###|///).*\bSOLUTION\b"
)
# `"` because the lines of a notebook are JSON strings.
_MARKER_WHERE_NONE_WORKS = re.compile(r'^[ \t]*"?[ \t]*(?:###|///)[ \t]*(?:BEGIN|END)[ \t]+(?:YOUR[ \t]+)?SOLUTION\b')


@dataclass(frozen=True)
class Violation:
    """One misuse of markers."""

    path: str  # of the file, from the tree's root
    line: int  # 1-based
    sentence: str  # what is wrong, and the remedy

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}"


class MarkerError(UsageError):
    """Markers are misused; the text has one `file:line: sentence` per violation, all of them at once."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("\n".join(map(str, violations)))
        self.violations = tuple(violations)


@dataclass(frozen=True)
class Span:
    """A pair of marker lines."""

    first: int  # 1-based line of the BEGIN marker
    last: int  # 1-based line of the END marker
    indent: str  # the white space before both markers


@dataclass(frozen=True)
class Region:
    """What a student is to write."""

    path: str  # of the file, from the tree's root
    first: int  # 1-based line of the BEGIN marker
    last: int  # 1-based line of the END marker
    indent: str  # the white space before the markers
    name: str  # "Conv.gradient"; "" at module level; of a notebook's cell that is no function the heading above it
    in_function: bool  # whether a stub can be run where the region stands
    lines: tuple[str, ...]  # the solution: the lines between the markers, with their ends

    @classmethod
    def of(cls, lines: Sequence[str], span: Span, path: str, name: str, in_function: bool) -> Region:
        """The region at `span` in a file of the lines `lines`."""
        inside = tuple(lines[span.first : span.last - 1])
        return cls(path, span.first, span.last, span.indent, name, in_function, inside)


def split_lines(text: str) -> list[str]:
    """The lines of `text` with their ends, counted as Python and compilers do.

    `str.splitlines` also splits at form feeds and U+2028; its line numbers would then disagree with ast's.
    """
    return _LINE.findall(text)


def line_end(line: str) -> str:
    """The end of one of `split_lines`' lines: its newline, or nothing."""
    return line[len(line.rstrip("\r\n")) :]


def pair_markers(lines: Sequence[str], path: str, prefix: str) -> list[Span]:
    """The marker pairs of a file whose markers begin with `prefix`, in order. Raises MarkerError."""
    pairing = _Pairing(path, prefix)
    for number, line in enumerate(lines, start=1):
        pairing.read(number, line.rstrip("\r\n"))
    return pairing.finish()


def refuse_markers(lines: Sequence[str], path: str) -> None:
    """Raise MarkerError where a file type without markers has some: it would be copied with its solutions."""
    violations = [
        Violation(path, number, "a solution marker in a file type that has none: it would be handed out unemptied")
        for number, line in enumerate(lines, start=1)
        if _MARKER_WHERE_NONE_WORKS.search(line.rstrip("\r\n"))
    ]
    if violations:
        raise MarkerError(violations)


@dataclass(frozen=True)
class _Open:
    """A BEGIN marker that waits for its END."""

    line: int
    indent: str
    noun: str | None  # "YOUR SOLUTION" or "SOLUTION"; None after a malformed BEGIN, which any END may close


class _Pairing:
    """Reads lines in order; goes on after a violation, so that one run reports all of them."""

    def __init__(self, path: str, prefix: str) -> None:
        self._path = path
        self._prefix = prefix
        self._open: _Open | None = None
        self._spans: list[Span] = []
        self._violations: list[Violation] = []

    def read(self, number: int, line: str) -> None:
        marker = _MARKER.fullmatch(line)
        if marker is not None and marker["prefix"] == self._prefix:
            if marker["end"] == "BEGIN":
                self._begin(number, marker["indent"], marker["noun"])
            else:
                self._end(number, marker["indent"], marker["noun"])
        elif LOOKS_LIKE_A_MARKER.search(line):
            self._malformed(number, line)

    def finish(self) -> list[Span]:
        if self._open is not None:
            self._complain(self._open.line, f"this region is never closed; add {self._spell('END', self._open.noun)!r}")
        if self._violations:
            raise MarkerError(sorted(self._violations, key=lambda violation: violation.line))
        return self._spans

    def _begin(self, number: int, indent: str, noun: str | None) -> None:
        if self._open is not None:
            self._complain(
                number,
                f"a region begins inside the one that began on line {self._open.line}; "
                "close that one first, since regions do not nest",
            )
        self._open = _Open(number, indent, noun)

    def _end(self, number: int, indent: str, noun: str | None) -> None:
        opened, self._open = self._open, None
        if opened is None:
            self._complain(number, f"no region is open here; add {self._spell('BEGIN', noun)!r} or delete this marker")
        elif opened.noun is None or noun is None:
            return  # one of the two is already reported as malformed
        elif noun != opened.noun:
            self._complain(
                number,
                f"the region of line {opened.line} began with {self._spell('BEGIN', opened.noun)!r}; "
                f"close it with {self._spell('END', opened.noun)!r}",
            )
        elif indent != opened.indent:
            self._complain(
                number,
                f"the region of line {opened.line} is indented by {opened.indent!r} and its end by "
                f"{indent!r}; indent both alike",
            )
        else:
            self._spans.append(Span(opened.line, number, indent))

    def _malformed(self, number: int, line: str) -> None:
        self._complain(number, self._what_is_wrong(line.strip()))
        # It still counts as what it was meant to be, so that its partner is not called stray on top.
        words = set(re.findall(r"\b(?:BEGIN|END)\b", line.upper()))
        if words == {"BEGIN"}:
            self._begin(number, "", None)
        elif words == {"END"}:
            self._end(number, "", None)

    def _what_is_wrong(self, text: str) -> str:
        found = re.search(r"(?P<prefix>###|///) (?:BEGIN|END) (?:YOUR )?SOLUTION\b", text)
        if found is None:
            return (
                f"{text!r} looks like a solution marker but is none; "
                f"write {self._spell('BEGIN', None)!r} or {self._spell('END', None)!r}"
            )
        if found[0] == text:
            return f"{text!r} is no marker in this kind of file; write {self._prefix + text[3:]!r}"
        return f"a marker has to be alone on its line; move the rest of {text!r} elsewhere"

    def _spell(self, end: str, noun: str | None) -> str:
        return f"{self._prefix} {end} {noun or 'YOUR SOLUTION'}"

    def _complain(self, line: int, sentence: str) -> None:
        self._violations.append(Violation(self._path, line, sentence))
