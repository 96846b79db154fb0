"""C++ source text as tokens: enough of the language's rules to never mistake a string or a comment for code."""

from __future__ import annotations

import bisect
import functools
import re
from dataclasses import dataclass

# One alternative a kind, tried in this order at each place. The text is Latin-1, a character a byte, so that any file
# comes back byte for byte; what is beyond ASCII counts as a letter. `>` is always alone: `A<B<int>>` ends two lists.
# Nothing is looked for farther than is then taken: the file is a stranger's, and to go through the rest of it for the
# partner of each of 100,000 quotes takes hours. A quote without one takes the rest of its line, as in g++.
_SPLICE = r"\\[ \t]*\r?\n"  # a line that goes on in the next one
_COMMENT = rf"//(?: [^\\\n]+ | {_SPLICE} | \\ )* | /\*.*?(?:\*/|\Z)"
_TOKEN = re.compile(
    rf"""
      (?P<newline> \n )
    | (?P<blank>   (?: [ \t\r\v\f]+ | {_SPLICE} )+ | {_COMMENT} )
    | (?P<string>  (?:u8|[uUL])?R"(?P<mark>[^()\\\s]{{0,16}})\((?: .*?\)(?P=mark)" | (?P<open>.*) )
                 | (?:u8|[uUL])?(?P<quote>["'])(?: [^"'\\\n]+ | {_SPLICE} | \\[^\n] | (?!(?P=quote))["'] )*
                   (?: (?P=quote) | (?P<stray>) ) )
    | (?P<number>  \.?[0-9](?: [eEpP][+-] | '[0-9A-Za-z_] | [0-9A-Za-z_.] )* )
    | (?P<word>    [A-Za-z_$\x80-\xff][0-9A-Za-z_$\x80-\xff]* )
    | (?P<punct>   <{{7,}} | <<= | <<< | << | <= | >= | :: | ->\*? | \.\.\. | \#\#
                 | [-+*/%&|^=!]= | && | \|\| | \+\+ | -- | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_REST = re.compile(rf"(?: {_SPLICE} | /\*.*?(?:\*/|\Z) | (?!//)[^\n] )*", re.VERBOSE | re.DOTALL)
# Directives that go on with code or a condition. The rest of any other (`#error don't`, `#include <a>`) is one token.
_WITH_TOKENS = {"define", "if", "ifdef", "ifndef", "elif"}


@dataclass(frozen=True)
class Token:
    """A piece of code, neither space nor comment."""

    # string (a character literal too), number, word, punct; stray: a quote without a partner, and what it takes with
    # it; rest: of a directive such as #include
    kind: str
    text: str
    start: int  # offset of the first character in the file
    directive: int  # offset of the `#` of the directive that it stands in; -1 in code

    @property
    def end(self) -> int:
        """The offset just past the token."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Source:
    """A file's text and its tokens."""

    path: str  # for messages
    text: str
    tokens: tuple[Token, ...]

    @functools.cached_property
    def _newlines(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.text)]

    def line(self, token: Token) -> int:
        """The number of the line, from 1, that a token begins on."""
        return bisect.bisect_left(self._newlines, token.start) + 1


def read(path: str, text: str) -> Source:
    """The tokens of a file. Never fails; the time it takes grows with the text, and no faster."""
    tokens: list[Token] = []
    at, directive = 0, -1
    fresh = True  # nothing but space and comments yet on this line, so that a `#` begins a directive
    unnamed = False  # just after such a `#`
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None  # the last alternative takes any character
        kind, piece = str(match.lastgroup), match.group()
        if kind == "newline":
            directive, fresh, unnamed = -1, True, False
        elif kind != "blank":
            if piece == "#" and fresh:
                directive, unnamed, fresh = at, True, False
            else:
                if match["stray"] is not None or match["open"] is not None:
                    kind = "stray"
                tokens.append(Token(kind, piece, at, directive))
                fresh = False
                if unnamed and piece not in _WITH_TOKENS:
                    match = _REST.match(text, match.end())
                    assert match is not None  # it matches the empty rest, too
                    tokens.append(Token("rest", match.group(), match.start(), directive))
                unnamed = False
        at = match.end()
    return Source(path, text, tuple(tokens))
