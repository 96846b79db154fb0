"""Which exported functions of a compiled module a change of its source can touch, by the names that code mentions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from grader.derive.cpp_code import CppDefinition, definitions

# `BindEwise(module, "ewise_add", EwiseAdd);` and `module.def("ewise_add", ...);`
_EXPORT = re.compile(r'\b(?:\w+\s*(?:<[^;<>]*>)?\s*\(\s*\w+\s*,|\w+\s*\.\s*def\s*\()\s*"(\w+)"([^;]*);')
_MODULE = "PYBIND11_MODULE"
_WORD = re.compile(r"[A-Za-z_]\w*")


def exported(texts: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """What Python sees by name: exported name -> the words of the statement that exports it."""
    found: dict[str, frozenset[str]] = {}
    for text in texts.values():
        for match in _EXPORT.finditer(text):
            found[match.group(1)] = frozenset(_WORD.findall(match.group(2)))
    return found


def touched_exports(path: str, old: Mapping[str, str], new: Mapping[str, str]) -> set[str] | None:
    """The exported functions that a change of the source `path` can touch; None: any.

    old, new: the texts of the module, by path: its source, its companions and the headers. A change of anything but the
    source, of what is outside of its definitions, or of what every call goes through, can touch any.
    """
    before, after = _bodies(path, old[path]), _bodies(path, new[path])
    if before.outside != after.outside or exported(old) != exported(new):
        return None
    names = {name for name in before.code.keys() | after.code.keys() if before.code.get(name) != after.code.get(name)}
    uses: dict[str, frozenset[str]] = {}
    for bodies in (before, after):
        for name, words in bodies.words.items():
            uses[name] = uses.get(name, frozenset()) | words
    exports = exported(old)
    # What the bindings use without its being exported by name: arrays and copies, of which every call has some.
    shared = _unnamed(path, old[path]).union(*(_all_words(*item) for item in old.items() if item[0] != path))
    if names & _closure(shared, uses):
        return None
    return {name for name, words in exports.items() if names & _closure(words, uses)} or None


class _Bodies:
    """The definitions of a source, by name; those of one name together."""

    def __init__(self) -> None:
        self.code: dict[str, str] = {}
        self.words: dict[str, frozenset[str]] = {}
        self.outside = ""  # all else: directives, namespaces, the module


def _bodies(path: str, text: str) -> _Bodies:
    found, position = _Bodies(), 0
    outside: list[str] = []
    for item in definitions(path, text):
        if item.name == _MODULE or item.first < position:
            continue
        outside.append(text[position : item.first])
        position = item.last
        name = item.name
        found.code[name] = found.code.get(name, "") + " ".join(token.text for token in item.tokens)
        found.words[name] = found.words.get(name, frozenset()) | item.words | _behind_scopes(item)
    outside.append(text[position:])
    found.outside = _without_comments("\n".join(outside))
    return found


def _behind_scopes(item: CppDefinition) -> frozenset[str]:
    return frozenset(token.text for token in item.tokens if token.kind == "word") - {item.name}


def _all_words(path: str, text: str) -> frozenset[str]:
    """The words of a file's code, but of what it only declares, and of the statements that export."""
    found = _unnamed(path, text)
    for item in definitions(path, text):
        if item.kind != "prototype" and item.name != _MODULE:
            found |= _behind_scopes(item) | {item.name}
    return found


def _unnamed(path: str, text: str) -> frozenset[str]:
    """The words of the block that says what Python sees, but of the statements that export."""
    blocks = (text[item.first : item.last] for item in definitions(path, text) if item.name == _MODULE)
    return frozenset(word for block in blocks for word in _WORD.findall(_EXPORT.sub("", _without_comments(block))))


def _closure(words: frozenset[str], uses: Mapping[str, frozenset[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [word for word in words if word in uses]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [word for word in uses[name] if word in uses and word not in reached]
    return reached


def _without_comments(text: str) -> str:
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    return " ".join(text.split())
