"""The definitions of a C++ or CUDA file, by their tokens: enough to find a function's body, and what it needs.

No preprocessor runs: every branch of an `#if` is looked at, and a macro is a definition of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.cudasim.tokens import Token, read

_PARTNER = {"(": ")", "[": "]", "{": "}"}
# What a parenthesis belongs to when it is no list of parameters.
_ATTRIBUTES = {"alignas", "__align__", "__attribute__", "__declspec", "__launch_bounds__", "decltype", "noexcept"}
_CLASSES = {"class", "struct", "union", "enum"}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function."""

    type: str  # its words, one blank between them: "const std :: vector < int32_t > &"
    name: str  # "" where it has none


@dataclass(frozen=True)
class CppDefinition:
    """Something that a file defines at namespace scope."""

    # function, prototype, class, macro, using, variable, directive (`using namespace`), invocation (of a macro)
    kind: str
    name: str
    first: int  # offset of its first character
    last: int  # offset just past its last one
    tokens: tuple[Token, ...]
    parameters: tuple[Parameter, ...] = ()  # of a function, or of a macro that takes some
    body: tuple[int, int] | None = (
        None  # of a function: the offsets between its braces; of a macro: of what it stands for
    )

    @property
    def words(self) -> frozenset[str]:
        """The names that stand in it, but those behind `.`, `->` and `::`."""
        found = set()
        for before, token in zip((None, *self.tokens), self.tokens, strict=False):
            if token.kind == "word" and (before is None or before.text not in (".", "->", "::")):
                found.add(token.text)
        return frozenset(found - {self.name})


def definitions(path: str, text: str) -> list[CppDefinition]:
    """All definitions of a file, in order; those in namespaces too, as if there were none. Never fails."""
    tokens = read(path, text).tokens
    found = _macros(text, tokens)
    code = [token for token in tokens if token.directive < 0]
    macros = {
        item.name for item in found if item.parameters or "(" in text[item.first : item.last].split(item.name)[1][:1]
    }
    found += _Walk(text, code, macros).all()
    return sorted(found, key=lambda item: item.first)


def _macros(text: str, tokens: Sequence[Token]) -> list[CppDefinition]:
    found = []
    groups: dict[int, list[Token]] = {}
    for token in tokens:
        if token.directive >= 0:
            groups.setdefault(token.directive, []).append(token)
    for start, group in groups.items():
        if group[0].text != "define" or len(group) < 2:
            continue
        name = group[1]
        body = group[2:]
        parameters: list[Parameter] = []
        if body and body[0].text == "(" and body[0].start == name.end:
            closing = next((n for n, token in enumerate(body) if token.text == ")"), len(body) - 1)
            parameters = [Parameter("", token.text) for token in body[1:closing] if token.text != ","]
            body = body[closing + 1 :]
        end = group[-1].end
        inside = (body[0].start, end) if body else (end, end)
        found.append(CppDefinition("macro", name.text, start, end, tuple(group[1:]), tuple(parameters), inside))
    return found


class _Walk:
    """Goes through the tokens of a file at namespace scope."""

    def __init__(self, text: str, tokens: Sequence[Token], macros: set[str]) -> None:
        self._text = text
        self._tokens = tokens
        self._macros = macros
        self._found: list[CppDefinition] = []
        self._at = 0

    def all(self) -> list[CppDefinition]:
        start = 0
        while self._at < len(self._tokens):
            text = self._tokens[self._at].text
            if text == ";":
                self._statement(start, self._at)
            elif text == "}":
                pass  # the end of a namespace
            elif text == "{" and self._is_namespace(start):
                pass
            elif text == "{":
                end = self._closing(self._at)
                if self._block(start, end):
                    self._at = end
                else:
                    self._at = end + 1
                    continue
            elif text in _PARTNER:
                end = self._closing(self._at)
                is_macro = self._at == start + 1 and self._tokens[start].text in self._macros
                self._at = end
                if not is_macro:
                    self._at += 1
                    continue
                self._add("invocation", self._tokens[start].text, start, end)
            else:
                self._at += 1
                continue
            self._at += 1
            start = self._at
        return self._found

    def _is_namespace(self, start: int) -> bool:
        words = [token.text for token in self._tokens[start : self._at]]
        return "namespace" in words[:2] or (words[:1] == ["extern"] and len(words) == 2)

    def _closing(self, at: int) -> int:
        """The index of the bracket that closes the one at `at`; the last token where none does."""
        depth = 0
        for index in range(at, len(self._tokens)):
            if self._tokens[index].kind != "punct":
                continue
            depth += self._tokens[index].text in _PARTNER
            depth -= self._tokens[index].text in _PARTNER.values()
            if depth == 0:
                return index
        return len(self._tokens) - 1

    def _block(self, start: int, end: int) -> bool:
        """Take note of the definition whose braces begin here; whether that is all of it."""
        opening = self._parameters(start)
        if opening is not None and "=" not in [token.text for token in self._tokens[start:opening]]:
            name = self._tokens[opening - 1].text
            inside = (self._tokens[self._at].end, self._tokens[end].start)
            parameters = _parameters(self._tokens[opening + 1 : self._closing(opening)])
            self._add("function", name, start, end, parameters, inside)
            return True
        return False  # a class or an initializer: it goes on up to the `;`

    def _parameters(self, start: int) -> int | None:
        """The index of the `(` of a function's parameters, of what begins at `start` and has a body here."""
        index = start
        while index < self._at:
            token = self._tokens[index]
            if token.text == "<" and index > start and self._tokens[index - 1].text == "template":
                index = self._past_template(index)
                continue
            if token.text == "(":
                before = self._tokens[index - 1]
                if before.kind == "word" and before.text not in _ATTRIBUTES and index > start:
                    return index
                index = self._closing(index)
            elif token.text == "{":
                return None
            index += 1
        return None

    def _past_template(self, index: int) -> int:
        depth = 0
        while index < self._at:
            text = self._tokens[index].text
            if text in ("(", "["):
                index = self._closing(index)
            depth += (text == "<") - (text == ">")
            index += 1
            if depth == 0:
                break
        return index

    def _statement(self, start: int, end: int) -> None:
        """Take note of what ends with the `;` at `end`."""
        tokens = self._tokens[start:end]
        if not tokens:
            return
        words = [token.text for token in tokens]
        if words[0] == "using":
            if words[1:2] == ["namespace"]:
                self._add("directive", "".join(words[2:]), start, end)
            else:
                self._add("using", words[1] if "=" in words else words[-1], start, end)
            return
        if words[0] == "typedef":
            self._add("using", words[-1], start, end)
            return
        offset = 0
        if words[0] == "template":
            here, self._at = self._at, end
            offset = self._past_template(start + 1) - start
            self._at = here
        rest = words[offset:]
        kind = next((n for n, word in enumerate(rest[:3]) if word in _CLASSES), None)
        if kind is not None and ("{" in rest or len(rest) <= kind + 2):
            name = next(
                (
                    token.text
                    for token in tokens[offset + kind + 1 :]
                    if token.kind == "word" and token.text not in _CLASSES
                ),
                "",
            )
            self._add("class", name, start, end)  # declared only, too: a template is specialised below that
            return
        self._variable(tokens, start, end)

    def _variable(self, tokens: Sequence[Token], start: int, end: int) -> None:
        for index, token in enumerate(tokens):
            if token.text in ("=", "[", "{", "(") and index and tokens[index - 1].kind == "word":
                if tokens[index - 1].text in _ATTRIBUTES:
                    continue
                if token.text == "(":
                    self._add("prototype", tokens[index - 1].text, start, end)
                else:
                    self._add("variable", tokens[index - 1].text, start, end)
                return
        if len(tokens) > 1 and tokens[-1].kind == "word":
            self._add("variable", tokens[-1].text, start, end)

    def _add(
        self,
        kind: str,
        name: str,
        start: int,
        end: int,
        parameters: tuple[Parameter, ...] = (),
        body: tuple[int, int] | None = None,
    ) -> None:
        first, last = self._tokens[start].start, self._tokens[end].end
        tokens = tuple(self._tokens[start : end + 1])
        self._found.append(CppDefinition(kind, name, first, last, tokens, parameters, body))


def _parameters(tokens: Sequence[Token]) -> tuple[Parameter, ...]:
    """The parameters that stand between the parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.text in ("(", "[", "{", "<")
        depth -= token.text in (")", "]", "}", ">")
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    found = []
    for part in parts:
        words = [token.text for token in part]
        if "=" in words:
            part = part[: words.index("=")]
        if len(part) > 1 and part[-1].kind == "word" and re.match(r"[A-Za-z_]", part[-1].text):
            found.append(Parameter(" ".join(token.text for token in part[:-1]), part[-1].text))
        elif part:
            found.append(Parameter(" ".join(token.text for token in part), ""))
    return tuple(found)
