"""Python regions: where in the program they stand, and the stub that takes their place."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Sequence

from grader.derive.markers import MarkerError, Region, Span, Violation, line_end

_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def stub(region: Region) -> str:
    """The statement that stands for a region: it raises in a function, and there is none outside of any."""
    if not region.in_function:
        return ""
    sentence = f"{region.name} is yours to write ({region.path})"
    return f"{region.indent}raise NotImplementedError({json.dumps(sentence)})"


def is_python(lines: Sequence[str]) -> bool:
    """Whether the lines are a Python program."""
    try:
        _parse(lines)
    except (SyntaxError, ValueError):
        return False
    return True


def place(lines: Sequence[str], spans: Sequence[Span], path: str, whole: str = "") -> list[Region]:
    """Say of each pair of markers what encloses it. Raises MarkerError where emptying it would break a file.

    `whole` is the name of the task that the lines themselves are, where they are not imported but run: a cell of
    a notebook. A region outside of functions and classes is then a part of it, and gets a stub like one in a
    function. The enclosing function is that of a `pass` put in the region's place. The original's own tree would not
    do: a region of comments only, at the end of a function, lies in no node of it.
    """
    original = _parse_original(lines, path)
    violations = list(_in_another_block(original, spans, path))
    if violations:
        raise MarkerError(violations)
    try:
        emptied = _parse(_with_pass(lines, spans))
    except SyntaxError:
        raise MarkerError(_not_whole_statements(lines, spans, path)) from None
    found = dict(_locate(emptied, {span.first for span in spans}, "", False))
    if whole:
        found = {line: (name or whole, in_function or not name) for line, (name, in_function) in found.items()}
    violations = [
        Violation(path, span.first, "the markers of this region stand inside a string, where they mark nothing")
        for span in spans
        if span.first not in found
    ]
    outside = {line for line, (_, in_function) in found.items() if not in_function}
    violations += _only_body(emptied, outside, path)
    if violations:
        raise MarkerError(violations)
    return [Region.of(lines, span, path, *found[span.first]) for span in spans]


def _parse(lines: Sequence[str]) -> ast.Module:
    # As bytes: ast then heeds a byte order mark and an encoding cookie, which it refuses or ignores in a str.
    return ast.parse("".join(lines).encode("utf-8", "surrogateescape"))


def _parse_original(lines: Sequence[str], path: str) -> ast.Module:
    try:
        return _parse(lines)
    except SyntaxError as error:
        raise MarkerError([Violation(path, error.lineno or 1, f"this is not valid Python: {error.msg}")]) from None
    except ValueError as error:  # a null byte, before Python 3.12
        raise MarkerError([Violation(path, 1, f"this is not valid Python: {error}")]) from None


def _with_pass(lines: Sequence[str], spans: Sequence[Span]) -> list[str]:
    """The file with `pass` in each region's first line and nothing in its others: line numbers stay."""
    emptied = list(lines)
    for span in spans:
        for index in range(span.first - 1, span.last):
            emptied[index] = line_end(lines[index])
        emptied[span.first - 1] = f"{span.indent}pass" + emptied[span.first - 1]
    return emptied


def _in_another_block(original: ast.Module, spans: Sequence[Span], path: str) -> Iterator[Violation]:
    """Regions whose statements are not of the block that the markers' indentation says.

    Indented less: an END and the next BEGIN are forgotten, and all between them is swallowed. More: the stub
    would stand after the function, which would then return None and raise nothing.
    """
    statements = [node for node in ast.walk(original) if isinstance(node, ast.stmt)]
    for span in spans:
        inside = [(node.lineno, node.col_offset) for node in statements if span.first < node.lineno < span.last]
        wrong = [line for line, column in inside if column < len(span.indent)]
        if inside and min(inside)[1] != len(span.indent):
            wrong.append(min(inside)[0])
        if wrong:
            yield Violation(
                path,
                min(wrong),
                f"this statement is in another block than the markers of its region, which begins on line "
                f"{span.first}; indent both alike, and end the region where its block ends",
            )


def _not_whole_statements(lines: Sequence[str], spans: Sequence[Span], path: str) -> list[Violation]:
    """Which regions cannot be replaced by one statement: each is tried alone, so that all are reported."""
    violations = []
    for span in spans:
        try:
            _parse(_with_pass(lines, [span]))
        except SyntaxError as error:
            violations.append(
                Violation(
                    path,
                    span.first,
                    f"without this region line {error.lineno} is not valid Python ({error.msg}); "
                    "a region has to hold whole statements of one block, indented as its markers are",
                )
            )
    return violations


def _locate(node: ast.AST, firsts: set[int], name: str, in_function: bool) -> Iterator[tuple[int, tuple[str, bool]]]:
    """For each `pass` on a line of `firsts`: its line, what encloses it, and whether that is a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Pass) and child.lineno in firsts:
            yield child.lineno, (name, in_function)
        elif isinstance(child, _Scope):
            inner = f"{name}.{child.name}" if name else child.name
            yield from _locate(child, firsts, inner, in_function or not isinstance(child, ast.ClassDef))
        else:
            yield from _locate(child, firsts, name, in_function)


def _only_body(emptied: ast.Module, outside: set[int], path: str) -> Iterator[Violation]:
    """Regions outside of functions after whose emptying a block would have no statement left."""
    for node in ast.walk(emptied):
        for _, block in ast.iter_fields(node):
            if isinstance(node, ast.Module) or not isinstance(block, list) or not block:
                continue
            if all(isinstance(statement, ast.Pass) and statement.lineno in outside for statement in block):
                holder = f"class {node.name}" if isinstance(node, ast.ClassDef) else "a block"
                yield Violation(
                    path,
                    block[0].lineno,
                    f"this region is all that {holder} consists of, and an empty one is not valid Python; "
                    "leave a docstring or `pass` outside of the markers, or put them around the whole block",
                )
