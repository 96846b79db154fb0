"""Functions that a macro writes: `EWISE(Mul, a.ptr[i] * b.ptr[i])` becomes the EwiseMul that it stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.cudasim.tokens import Token
from grader.derive.cpp_code import CppDefinition, definitions

_TOKEN = re.compile(r"\s*##\s*|[A-Za-z_]\w*|\"(?:\\.|[^\"\\])*\"|.", re.DOTALL)


def expanded(path: str, text: str, found: Sequence[CppDefinition]) -> list[tuple[CppDefinition, str, CppDefinition]]:
    """The functions that the file's macros write: each as a definition, the text it is of, and the macro's use."""
    macros = {item.name: item for item in found if item.kind == "macro" and item.parameters and item.body}
    written = []
    for use in found:
        macro = macros.get(use.name) if use.kind == "invocation" else None
        if macro is None:
            continue
        said = _expand(text, macro, _arguments(text, use.tokens))
        written += [(item, said, use) for item in definitions(path, said) if item.kind == "function"]
    return written


def _arguments(text: str, tokens: Sequence[Token]) -> list[str]:
    """What stands between the parentheses of `NAME(...)`, at its commas."""
    inside = tokens[2:-1]
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in inside:
        depth += token.text in ("(", "[", "{")
        depth -= token.text in (")", "]", "}")
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [text[part[0].start : part[-1].end] if part else "" for part in parts]


def _expand(text: str, macro: CppDefinition, arguments: Sequence[str]) -> str:
    assert macro.body is not None
    names = [parameter.name for parameter in macro.parameters]
    values = dict(zip(names, arguments, strict=False))
    if names and names[-1] in ("...", "__VA_ARGS__"):
        values["__VA_ARGS__"] = ", ".join(arguments[len(names) - 1 :])
    body = re.sub(r"[ \t]*\\[ \t]*\n", "\n", text[macro.body[0] : macro.body[1]])
    said = ""
    for match in _TOKEN.finditer(body):
        piece = match[0]
        said += "" if "##" in piece else values.get(piece, piece)
    return said
