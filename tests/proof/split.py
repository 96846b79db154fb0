"""A module's bindings apart from its kernels, so that a bug in a kernel compiles in 2 s instead of 10.

pybind11 costs the most of a compilation, and what Python sees is the same for nearly all bugs. So a source that has
both is taken apart: the kernels, and the bindings with the kernels' prototypes, which the build cache keeps. The two
are linked as the assignment's own sources and companions are. Where a source does not come apart, it is left whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from grader.assignment import Assignment
from grader.derive.cpp_code import CppDefinition, definitions
from grader.devices import is_cuda

_MODULE = "PYBIND11_MODULE"
_OWN_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"[^\n]*$', re.MULTILINE)
_SYSTEM_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<(?!pybind11)[^>]+>", re.MULTILINE)
_IN_BOTH = {"template", "inline", "static", "constexpr"}  # a function that begins so is defined in both parts
_CONSTANT = {"const", "constexpr"}


def split_sources(files: Mapping[str, str], assignment: Assignment) -> tuple[dict[str, str], Assignment]:
    """The tree with its bindings apart, and the assignment whose layout says so; unchanged where that cannot be."""
    texts, layout = dict(files), assignment.layout
    companions = dict(layout.companions)
    for module, source in layout.modules.items():
        if is_cuda(source) or source not in texts or companions.get(module):
            continue
        parts = split(source, texts[source], texts)
        if parts is not None:
            apart = f"{source.rpartition('.')[0]}_bindings_apart.cc"
            texts[source], texts[apart] = parts
            companions[module] = (apart,)
    return texts, replace(assignment, layout=replace(layout, companions=companions))


def split(path: str, text: str, files: Mapping[str, str]) -> tuple[str, str] | None:
    """(the kernels, the bindings) of a source; None where it does not come apart. files: where its headers are."""
    found = definitions(path, text)
    modules = [item for item in found if item.name == _MODULE and item.body is not None]
    if len(modules) != 1 or any(map(_has_state, found)):
        return None
    kernels = text[: modules[0].first] + text[modules[0].last :]
    kernels = _OWN_INCLUDE.sub(lambda include: _without_pybind(path, include, files), kernels)
    bindings, position = [], 0
    for item in found:
        if item.kind != "function" or item.name == _MODULE or item.body is None or item.first < position:
            continue
        if item.tokens[0].text not in _IN_BOTH:
            bindings += [text[position : item.first], text[item.first : item.body[0] - 1], ";"]
            position = item.last
    return kernels, "".join([*bindings, text[position:]])


def _has_state(item: CppDefinition) -> bool:
    """Whether it is a variable that both parts would have, each its own."""
    return item.kind == "variable" and not any(token.text in _CONSTANT for token in item.tokens)


def _without_pybind(path: str, include: re.Match[str], files: Mapping[str, str]) -> str:
    """For a header of the bindings only what it includes of the standard library; any other include as it is."""
    header = files.get(f"{path.rpartition('/')[0]}/{include.group(1)}", "")
    return "\n".join(_SYSTEM_INCLUDE.findall(header)) if "pybind11" in header else include.group(0)
