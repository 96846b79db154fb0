"""A C++ function's body, made to fit the function of the target that it goes into."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grader.carry.marks import is_mark, pairs
from grader.cudasim.tokens import read
from grader.derive.cpp_code import CppDefinition, Parameter

_STUB = re.compile(
    r"assert\s*\(\s*(?:false|0)\b[^;]*|throw\b[^;]*(?:not.{0,3}implemented)[^;]*|abort\s*\(\s*\)", re.IGNORECASE
)
_DEDUCED = re.compile(r"\b(?:min|max|clamp|swap|accumulate|dim3)\b")  # both arguments have to be of one type
_ARITHMETIC = re.compile(
    r"(?:const )?(?:std :: )?(?:unsigned |signed )?(?:u?int\d*_t|s?size_t|int|unsigned|long|ptrdiff_t)"
)


class CppMisfit(Exception):
    """A function's code cannot go into another function; the text says why, and what to do."""


@dataclass(frozen=True)
class CppBody:
    """What is to stand in a region."""

    lines: tuple[str, ...]  # without line ends, indented as the region is
    notes: tuple[str, ...]


def is_unwritten(text: str) -> bool:
    """Whether a body is a stub: where it has marked stretches, whether each of these is."""
    lines = text.split("\n")
    marks = pairs(lines)
    if not marks:
        return _is_stub("\n".join(line for line in lines if not is_mark(line)))
    return all(_is_stub("\n".join(lines[mark.first : mark.last - 1])) for mark in marks)


def _is_stub(text: str) -> bool:
    """Whether code does nothing, or only says that it is not written."""
    code = [token.text for token in read("", text).tokens]
    said = " ".join(code)
    return not [word for word in re.split(r"\s*;\s*", _STUB.sub("", said)) if word.strip(" ;")]


def fit(text: str, old: CppDefinition, new: CppDefinition, indent: str, given: frozenset[str]) -> CppBody:
    """The body of `old`, a function in `text`, for a region in the function `new`. Raises CppMisfit.

    `given` are the lines that `new` has around the region: where they stand around OLD's, too, they stay out.
    """
    assert old.body is not None
    mine, theirs = old.parameters, new.parameters
    if len(mine) != len(theirs):
        raise CppMisfit(f"it takes {len(mine)} parameters in OLD and {len(theirs)} here; write it anew from there")
    body = _code_lines(text[old.body[0] : old.body[1]], given)
    said = "\n".join(body)
    outer: list[str] = []  # lines before a block of its own, in which a name may be declared again
    inner: list[str] = []
    notes: list[str] = []
    for was, now in zip(mine, theirs, strict=True):
        if not was.name or not re.search(rf"\b{re.escape(was.name)}\b", said):
            continue
        how = _how(was, now, said)
        if how == "same":
            continue
        if how == "renamed":
            inner.append(f"auto&& {was.name} = {now.name};  // named so in your earlier code")
            continue
        if was.name in [parameter.name for parameter in theirs]:
            outer.append(f"const auto& given_{now.name} = {now.name};")
            inner.append(f"{how} {was.name} = given_{now.name};  // as in your earlier code")
        else:
            inner.append(f"{how} {was.name} = {now.name};  // as in your earlier code")
    old_strides = [item for item in mine if _element(item.type) == "uint32_t"]
    if old_strides and any(_element(item.type) == "int32_t" for item in theirs):
        body = [signed(line) for line in body]
        notes.append("shapes and strides are signed here (int32_t), since a stride may be negative")
    if not outer:
        return CppBody(tuple(_indented([*inner, *body], indent)), tuple(notes))
    deeper = _indented([*inner, *body], indent + "  ")
    return CppBody((*_indented(outer, indent), indent + "{", *deeper, indent + "}"), tuple(notes))


def signed(line: str) -> str:
    """Vectors of an earlier edition as they are now."""
    return re.sub(r"(\bvector\s*<\s*)uint32_t(\s*>)", r"\1int32_t\2", line)


def dedented(lines: Sequence[str]) -> list[str]:
    """Lines moved so that their first one of code is at column 0, tabs made four blanks, no blank ones at both ends.

    What hangs out to the left, a comment or a brace of a line of its own, is at column 0 as well.
    """
    found = [line.expandtabs(4).rstrip() for line in lines]
    while found and not found[0]:
        found.pop(0)
    while found and not found[-1]:
        found.pop()
    code = [line for line in found if line and not line.lstrip().startswith(("#", "//"))]
    shift = len(code[0]) - len(code[0].lstrip()) if code else 0
    return [line if line.startswith("#") else line[:shift].lstrip() + line[shift:] for line in found]


def _code_lines(body: str, given: frozenset[str]) -> list[str]:
    """A body's lines without markers, at column 0."""
    lines = body.split("\n")
    marks = pairs(lines)
    if marks:  # of the given code around only what is code
        for first, last in zip(
            [0, *(mark.last for mark in marks)], [*(mark.first for mark in marks), None], strict=True
        ):
            lines[first:last] = _uncommented(lines[first:last], given)
    lines = [line for line in lines if not is_mark(line)]
    if lines and lines[0].strip():  # code on the line of the opening brace
        return [lines[0].strip(), *dedented(lines[1:])] if len(lines) > 1 else [lines[0].strip()]
    return dedented(lines)


def _uncommented(lines: Sequence[str], given: frozenset[str]) -> list[str]:
    """As many lines, without comments and without those that are given here."""
    said = re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), "\n".join(lines), flags=re.DOTALL)
    code = [line if is_mark(line) else re.sub(r"//.*", "", line).rstrip() for line in said.split("\n")]
    return ["" if line.strip() in given else line for line in code]


def _how(was: Parameter, now: Parameter, said: str) -> str:
    """What is to be done for a parameter: "same", "renamed", or the type to declare it anew with."""
    by_value = "&" not in was.type and "*" not in was.type
    if by_value and "vector" in was.type and "&" in now.type and _is_changed(was.name, said):
        return "auto"
    is_other_number = by_value and _ARITHMETIC.fullmatch(was.type) and _plain(was.type) != _plain(now.type)
    if is_other_number and _DEDUCED.search(said):
        return was.type.replace(" :: ", "::")
    return "same" if was.name == now.name else "renamed"


def _is_changed(name: str, said: str) -> bool:
    """Whether code may change a vector: whether it does anything but look at its elements and its size."""
    for match in re.finditer(rf"\b{re.escape(name)}\b", said):
        rest, before = said[match.end() :], said[: match.start()].rstrip()
        if before.endswith(("++", "--")):
            return True
        element = re.match(r"\s*\[", rest)
        if element:
            if re.match(r"\s*(?:=(?!=)|[-+*/%&|^]=|<<=|>>=|\+\+|--)", _past_brackets(rest)):
                return True
        elif re.match(r"\s*(?:=(?!=)|\.\s*(?!size\b|empty\b|cbegin\b|cend\b|at\b|data\b|back\(\)\s*[^=]))", rest):
            return True
    return False


def _past_brackets(text: str) -> str:
    """What follows the bracket that closes the first one."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if depth == 0 and character == "]":
            return text[at + 1 :]
    return ""


def _plain(type_: str) -> str:
    return type_.replace("const ", "").replace("std :: ", "").strip()


def _element(type_: str) -> str:
    match = re.search(r"vector < (\w+) >", type_)
    return match[1] if match else ""


def _indented(lines: Sequence[str], indent: str) -> list[str]:
    return [line if not line or line.startswith("#") else indent + line for line in lines]
