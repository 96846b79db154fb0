"""The definitions of a C++ or CUDA file, by their tokens: enough to find a function's body, and what it needs.

No preprocessor runs: every branch of an `#if` is looked at, and a macro is a definition of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

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
    # of a function: the offsets between its braces; of a macro: of what it stands for
    body: tuple[int, int] | None = None

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
    found = _macros(tokens)
    code = [token for token in tokens if token.directive < 0]
    macros = {item.name for item in found if _takes_parameters(item.tokens)}
    found += _Walk(code, macros).all()
    return sorted(found, key=lambda item: item.first)


def _macros(tokens: Sequence[Token]) -> list[CppDefinition]:
    found = []
    groups: dict[int, list[Token]] = {}
    for token in tokens:
        if token.directive >= 0:
            groups.setdefault(token.directive, []).append(token)
    for start, group in groups.items():
        if group[0].text != "define" or len(group) < 2:
            continue
        name, body = group[1], group[2:]
        parameters: list[Parameter] = []
        if _takes_parameters(group[1:]):
            closing = next((n for n, token in enumerate(body) if token.text == ")"), len(body))
            parameters = [Parameter("", token.text) for token in body[1:closing] if token.text != ","]
            body = body[closing + 1 :]
        end = group[-1].end
        inside = (body[0].start, end) if body else (end, end)
        found.append(CppDefinition("macro", name.text, start, end, tuple(group[1:]), tuple(parameters), inside))
    return found


def _takes_parameters(tokens: Sequence[Token]) -> bool:
    """Whether a macro does, if only `()`. tokens: its name and all behind that."""
    return len(tokens) > 1 and tokens[1].text == "(" and tokens[1].start == tokens[0].end


class _Walk:
    """Goes through the tokens of a file at namespace scope."""

    def __init__(self, tokens: Sequence[Token], macros: set[str]) -> None:
        self._tokens = tokens
        self._macros = macros
        self._found: list[CppDefinition] = []
        self._at = 0

    def all(self) -> list[CppDefinition]:
        start = 0
        braces = False  # whether what began at `start` has some already, and so goes on up to the `;`
        while self._at < len(self._tokens):
            text = self._tokens[self._at].text
            if text == ";":
                self._statement(start, self._at)
            elif text == "}":
                pass  # the end of a namespace
            elif text == "{" and not braces and self._is_namespace(start):
                pass
            elif text == "{":
                end = self._closing(self._at)
                if braces or not self._block(start, end):
                    braces = True
                    self._at = end + 1
                    continue
                self._at = end
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
            braces = False
        return self._found

    def _is_namespace(self, start: int) -> bool:
        words = [token.text for token in self._tokens[start : self._at]]
        return "namespace" in words or (words[:1] == ["extern"] and len(words) == 2)

    def _closing(self, at: int) -> int:
        """The index of the bracket that closes the one at `at`; the last token where none does."""
        depth = 0
        for index in range(at, len(self._tokens)):
            depth += self._tokens[index].text in _PARTNER
            depth -= self._tokens[index].text in _PARTNER.values()
            if depth == 0:
                return index
        return len(self._tokens) - 1

    def _block(self, start: int, end: int) -> bool:
        """Take note of the definition whose braces begin here; whether that is all of it."""
        found = self._function(start)
        if found is None:
            return False  # a class or an initializer
        name, opening = found
        inside = (self._tokens[self._at].end, self._tokens[end].start)
        parameters = _parameters(self._tokens[opening + 1 : self._closing(opening)])
        self._add("function", name, start, end, parameters, inside)
        return True

    def _function(self, start: int) -> tuple[str, int] | None:
        """The name of the function that begins at `start` and has a body here, and the index of its parameters' `(`."""
        name = ""
        index = start
        while index < self._at:
            token = self._tokens[index]
            if token.text == "<":
                index = self._past_template(index)
                continue
            if token.text == "=":
                return None
            if token.text == "operator":
                return self._operator(index)
            if token.text == "(":
                if name not in ("", *_ATTRIBUTES):
                    return name, index
                index = self._closing(index)
            name = token.text if token.kind == "word" else ""
            index += 1
        return None

    def _operator(self, start: int) -> tuple[str, int] | None:
        """What `_function` gives, where that word begins the name: "operator+", "operator()"."""
        for index in range(start + 2, self._at):
            if self._tokens[index].text == "(":
                return "".join(token.text for token in self._tokens[start:index]), index
        return None

    def _past_template(self, index: int) -> int:
        """The index just past the list of a template that begins with the `<` at `index`."""
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
        first = self._past_template(start + 1) if self._tokens[start].text == "template" else start
        words = [token.text for token in self._tokens[first:end]]
        if words[:2] == ["using", "namespace"]:
            self._add("directive", "".join(words[2:]), start, end)
        elif words[:1] == ["using"]:
            self._add("using", words[1] if "=" in words else words[-1], start, end)
        elif words[:1] == ["typedef"]:
            self._add("using", words[-1], start, end)
        elif (found := _declared(self._tokens[first:end])) is not None:
            self._add(*found, start, end)

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


def _declared(tokens: Sequence[Token]) -> tuple[str, str] | None:
    """The kind and the name of what these tokens declare, without the template's list and the `;`."""
    words = [token.text for token in tokens]
    head = list(takewhile(lambda word: word not in ("{", "="), words))
    behind = [n for n, word in enumerate(head, start=1) if word in _CLASSES]  # `enum class` has two
    # Declared only, too: a template is specialised below that.
    if behind and (words[len(head) :][:1] == ["{"] or len(head) == behind[-1] + 1):
        return "class", _class_name(tokens[behind[-1] :])
    depth = 0
    for before, token in pairwise(tokens):
        depth += (before.text == "<") - (before.text == ">")
        named = depth == 0 and before.kind == "word" and before.text not in _ATTRIBUTES
        if named and token.text in ("=", "[", "{", "("):
            return "prototype" if token.text == "(" else "variable", before.text
    return ("variable", words[-1]) if len(tokens) > 1 and tokens[-1].kind == "word" else None


def _class_name(tokens: Sequence[Token]) -> str:
    """The first name behind `struct`, but those of attributes; what `struct {} name` declares is the struct's."""
    depth = 0
    for token in tokens:
        if token.text == "{":
            break
        depth += (token.text in _PARTNER) - (token.text in _PARTNER.values())
        if depth == 0 and token.kind == "word" and token.text not in _ATTRIBUTES:
            return token.text
    return next((token.text for token in reversed(tokens) if token.kind == "word"), "")


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
        if len(part) > 1 and part[-1].kind == "word":
            found.append(Parameter(" ".join(token.text for token in part[:-1]), part[-1].text))
        elif part:
            found.append(Parameter(" ".join(token.text for token in part), ""))
    return tuple(found)
