"""A C++ or CUDA file of OLD: where its definitions stand, and what its macros write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grader.carry.cpp.body import dedented
from grader.carry.cpp.macros import expanded
from grader.carry.marks import is_mark, pairs
from grader.cudasim.tokens import read
from grader.derive.cpp_code import CppDefinition, definitions

_COMES_ALONG = ("function", "prototype", "class", "macro", "using", "variable", "namespace")


@dataclass(frozen=True)
class OldCpp:
    """A C++ file of OLD."""

    path: str
    text: str
    definitions: tuple[CppDefinition, ...]
    written_by_macros: Mapping[str, tuple[CppDefinition, str, CppDefinition]]

    @classmethod
    def read(cls, path: str, text: str, namespaces: frozenset[str]) -> OldCpp:
        """Look at a file. What is in another namespace than these, the target's, is of one piece."""
        found = definitions(path, text)
        by_macros = {item.name: (item, said, use) for item, said, use in expanded(path, text, found)}
        own = [block for block in blocks_of_namespaces(path, text) if block.name not in namespaces]
        rest = [item for item in found if not any(block.first < item.first < block.last for block in own)]
        return cls(path, text, (*rest, *own), by_macros)

    def line(self, definition: CppDefinition) -> int:
        """The line that a definition begins on, from 1."""
        return self.text.count("\n", 0, definition.first) + 1

    def named(self, name: str) -> list[CppDefinition]:
        """The definitions of this name: more than one of a template that is specialised, or behind an `#if`."""
        return [item for item in self.definitions if item.name == name and item.kind in _COMES_ALONG]

    def places(self, name: str) -> list[Place]:
        """Where what has this name stands: in the file, or in what a macro of it writes."""
        found = [Place(self, item, self.text, item.first) for item in map(self._with_condition, self.named(name))]
        if not found and name in self.written_by_macros:
            item, said, use = self.written_by_macros[name]
            found = [Place(self, item, said, use.first)]
        return found

    def _with_condition(self, definition: CppDefinition) -> CppDefinition:
        """The definition with the `#if` that it stands in, and all that stands there."""
        for first, last in conditions(self.text):
            if first < definition.first < last:
                tokens = read(self.path, self.text[first:last]).tokens
                return CppDefinition("condition", definition.name, first, last, tokens)
        return definition


def conditions(text: str) -> Iterator[tuple[int, int]]:
    """Where each outermost `#if` begins and its `#endif` ends; not of those around whole parts of a file."""
    depth = first = 0
    for match in re.finditer(r"^[ \t]*#[ \t]*(if|endif)\w*[^\n]*", text, re.MULTILINE):
        if match[1] == "if":
            first = match.start() if depth == 0 else first
            depth += 1
            continue
        depth -= 1
        said = text[first : match.end()]
        if (
            depth == 0
            and not re.search(r"\bnamespace\b|\bPYBIND11_MODULE\b|#\s*include\b", said)
            and not pairs(said.split("\n"))
        ):
            yield first, match.end()


def blocks_of_namespaces(path: str, text: str) -> list[CppDefinition]:
    """The outermost blocks `namespace NAME { ... }` in a file or in another such block, by their first name."""
    tokens = read(path, text).tokens
    found = []
    for number, token in enumerate(tokens):
        name = tokens[number + 1] if token.text == "namespace" and number + 1 < len(tokens) else token
        opening = next((n for n in range(number, len(tokens)) if tokens[n].text in ("{", ";")), len(tokens) - 1)
        if name is token or name.kind != "word" or tokens[opening].text != "{":
            continue
        depth = 0
        for end in range(opening, len(tokens)):
            depth += (tokens[end].text == "{") - (tokens[end].text == "}")
            if depth == 0:
                part = tuple(tokens[number : end + 1])
                found.append(CppDefinition("namespace", name.text, token.start, tokens[end].end, part))
                break
    return found


@dataclass(frozen=True)
class Place:
    """A definition that comes along."""

    old: OldCpp
    definition: CppDefinition
    text: str  # that it is in: the file's, or what a macro writes
    at: int  # where in the file, as an offset

    def source_line(self) -> str:
        """Where it is in OLD: "src/ndarray_backend_cpu.cc:30"."""
        return f"{self.old.path}:{self.old.text.count(chr(10), 0, self.at) + 1}"

    def source(self) -> list[str]:
        """Its lines with the comment right above, without markers."""
        lines = self.text.split("\n")
        first = self.text.count("\n", 0, self.definition.first) + 1
        last = self.text.count("\n", 0, self.definition.last) + 1
        while first > 1 and lines[first - 2].lstrip().startswith(("//", "*", "/*")) and not is_mark(lines[first - 2]):
            first -= 1
        return dedented([line for line in lines[first - 1 : last] if not is_mark(line)])
