"""A C++ or CUDA file of OLD: where its definitions stand, and what its macros write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.carry.cpp.body import dedented
from grader.carry.cpp.macros import expanded
from grader.carry.marks import is_mark
from grader.derive.cpp_code import CppDefinition, definitions

_COMES_ALONG = ("function", "prototype", "class", "macro", "using", "variable")


@dataclass(frozen=True)
class OldCpp:
    """A C++ file of OLD."""

    path: str
    text: str
    definitions: tuple[CppDefinition, ...]
    written_by_macros: Mapping[str, tuple[CppDefinition, str, CppDefinition]]

    @classmethod
    def read(cls, path: str, text: str) -> OldCpp:
        """Look at a file."""
        found = definitions(path, text)
        by_macros = {item.name: (item, said, use) for item, said, use in expanded(path, text, found)}
        return cls(path, text, tuple(found), by_macros)

    def line(self, definition: CppDefinition) -> int:
        """The line that a definition begins on, from 1."""
        return self.text.count("\n", 0, definition.first) + 1

    def named(self, name: str) -> list[CppDefinition]:
        """The definitions of this name: more than one of a template that is specialised, or behind an `#if`."""
        return [item for item in self.definitions if item.name == name and item.kind in _COMES_ALONG]

    def places(self, name: str) -> list[Place]:
        """Where what has this name stands: in the file, or in what a macro of it writes."""
        found = [Place(self, item, self.text, item.first) for item in self.named(name)]
        if not found and name in self.written_by_macros:
            item, said, use = self.written_by_macros[name]
            found = [Place(self, item, said, use.first)]
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
