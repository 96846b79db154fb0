"""Functions that OLD has only in its list for Python: `m.def("ewise_ge", [](...) {...})`, or `apply<Ge>`."""

from __future__ import annotations

import re

from grader.cudasim.tokens import read
from grader.derive.cpp_code import CppDefinition, Parameter, definitions

_NAME = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def bound(path: str, text: str, name: str, parameters: tuple[Parameter, ...]) -> tuple[CppDefinition, str, int] | None:
    """What the list binds for the function `name`, as a function: its definition, the text of that, and its line.

    Python's name for EwiseGe is ewise_ge. `parameters` are those of the function here, for a template that is bound.
    None where the list has none, or names a function of this very name.
    """
    match = re.search(rf'\bdef\s*\(\s*"{_NAME.sub("_", name).lower()}"\s*,', text)
    if match is None:
        return None
    tokens = read(path, text[match.end() :]).tokens
    depth, last = 0, 0
    for token in tokens:
        depth += token.text in ("(", "[", "{")
        depth -= token.text in (")", "]", "}")
        if depth < 0 or (depth == 0 and token.text == ","):
            break
        last = token.end
    said = text[match.end() : match.end() + last].strip().lstrip("&")
    if not said or re.fullmatch(r"[\w:]*\b" + re.escape(name), said):
        return None
    function = _of_lambda(name, said) if said.startswith("[") else _of_call(name, said, parameters)
    found = [item for item in definitions(path, function) if item.kind == "function"]
    return (found[0], function, text.count("\n", 0, match.start()) + 1) if len(found) == 1 else None


def _of_lambda(name: str, said: str) -> str:
    return f"void {name}{said[said.index(']') + 1 :]}"


def _of_call(name: str, said: str, parameters: tuple[Parameter, ...]) -> str:
    """A function that hands its parameters on."""
    taken = ", ".join(f"{item.type} {item.name}" for item in parameters)
    return f"void {name}({taken}) {{\n  {said}({', '.join(item.name for item in parameters)});\n}}"
