"""Changes to a text that leave its lines where they are, and what was found that cannot be changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from grader.cudasim.code import Region
from grader.cudasim.tokens import Source, Token

_BREAK = re.compile(r"(?:\\[ \t]*)?\r?\n")
_MOST_ADDED = 16 << 20  # characters; a backend's grow by some 10 KB
_LONGEST = 4096  # characters of what is repeated; a kernel's name with its template's arguments has 100


@dataclass
class Edits:
    """The edits of one file, and its findings."""

    source: Source
    findings: list[tuple[int, str]] = field(default_factory=list)  # line, what is wrong there and what to do instead
    _changes: list[tuple[int, int, str]] = field(default_factory=list)  # start and end in the text, what goes there
    _added: int = 0  # characters in those

    def replace(self, start: int, end: int, text: str) -> None:
        """Put `text` in the place of what stands from `start` to `end`; line breaks that this loses follow it."""
        lost = "".join(_BREAK.findall(self.source.text[start:end]))
        self._change(start, end, text + lost)

    def insert(self, at: int, text: str) -> None:
        """Put `text` before the character at `at`."""
        self._change(at, at, text)

    def _change(self, start: int, end: int, text: str) -> None:
        if self._added <= _MOST_ADDED < self._added + len(text):
            self.findings.append(
                (1, "the translation would be far longer than the source; declare fewer names at a time")
            )
        self._added += len(text)
        if self._added <= _MOST_ADDED:
            self._changes.append((start, end, text))

    def reject(self, token: Token, why: str) -> None:
        """Note that a token cannot be translated."""
        self.findings.append((self.source.line(token), why))

    def result(self) -> str:
        """The text with all changes made."""
        pieces, at = [], 0
        for start, end, text in sorted(self._changes, key=lambda change: change[:2]):
            pieces += [self.source.text[at:start], text]
            at = end
        return "".join([*pieces, self.source.text[at:]])


def joined(tokens: Sequence[Token]) -> str:
    """Tokens as text on one line, without comments; with a space only where there was something between them."""
    pieces = []
    for at, token in enumerate(tokens):
        if at and token.start != tokens[at - 1].end:
            pieces.append(" ")
        pieces.append(token.text)
    return "".join(pieces)


def repeatable(tokens: Sequence[Token]) -> bool:
    """Whether tokens may stand twice in the translation: no string over several lines, no lone quote, no launch."""
    return not any("\n" in token.text or token.kind == "stray" or token.text == "<<<" for token in tokens)


def brief(first: Token, last: Token) -> bool:
    """Whether what stands from one token to the other is short enough to stand as often as there are names in it."""
    return last.end - first.start <= _LONGEST


def split(region: Region, start: int, end: int, *, templates: bool) -> list[tuple[int, int]]:
    """The pieces, as ranges of indices, between the commas of tokens[start:end] that stand outside of brackets.

    templates: `<` and `>` are brackets, too, as in a declaration; in an expression they may as well compare or shift.
    """
    pieces, depth, angle, begin = [], 0, 0, start
    at = start
    while at < end:
        text, closing = region.text(at), region.closing(at)
        if closing is not None and closing < end:  # not through it: launches may stand in each other
            at = closing + 1
            continue
        depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
        if templates and depth == 0:
            angle += (text == "<") - (text == ">")
        if text == "," and depth == angle == 0:
            pieces.append((begin, at))
            begin = at + 1
        at += 1
    return [*pieces, (begin, end)] if end > start else []
