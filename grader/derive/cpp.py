"""C++ and CUDA regions, and the stub that takes their place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from grader.cudasim.tokens import read
from grader.derive.cpp_code import CppDefinition, definitions
from grader.derive.markers import MarkerError, Region, Span, Violation

_NOT_CODE = re.compile(r"\s*(?:$|#|//|/\*|\*)")  # blank, preprocessor or comment lines


def stub(region: Region) -> str:
    """The statement that stands for a region: it throws in a function, where __func__ names the task."""
    return f"{region.indent}throw NotImplemented(__func__);" if region.in_function else ""


def place(lines: Sequence[str], spans: Sequence[Span], path: str) -> list[Region]:
    """The regions: at namespace scope where markers are at column 0, in a function where they are indented.

    A region in a function carries the function's name. Raises MarkerError where only one of a region and its code is at
    column 0, or its braces do not match.
    """
    functions = [item for item in definitions(path, "".join(lines)) if item.kind == "function"] if spans else []
    ends = list(itertools.accumulate(map(len, lines)))
    regions = [
        Region.of(lines, span, path, _name(span, ends[span.first - 1], functions), in_function=span.indent != "")
        for span in spans
    ]
    violations = [violation for region in regions for violation in _misplaced(region)]
    if violations:
        raise MarkerError(violations)
    return regions


def _name(span: Span, at: int, functions: Sequence[CppDefinition]) -> str:
    """The function that a pair of markers is in; "" at namespace scope, and in what is no plain function.

    at: the offset just past the first of them.
    """
    if not span.indent:
        return ""
    return next((item.name for item in functions if at in range(item.first, item.last)), "")


def _misplaced(region: Region) -> Iterator[Violation]:
    # A marker at column 0 in a function would leave the function empty: no stub, and undefined behaviour.
    code = [line for line in region.lines if not _NOT_CODE.match(line)]
    indent = code[0][: -len(code[0].lstrip())] if code else region.indent
    if bool(indent) != bool(region.indent):
        yield Violation(
            region.path,
            region.first,
            f"the markers of this region are indented by {region.indent!r} and its code by {indent!r}; "
            "indent both alike, since the indentation says whether a region is in a function",
        )
    tokens = [token.text for token in read(region.path, "".join(region.lines)).tokens]
    opened, closed = tokens.count("{"), tokens.count("}")
    if opened != closed:
        yield Violation(
            region.path,
            region.first,
            f"the braces of this region do not match ({opened} opened, {closed} closed); "
            "a region has to end within the block where it began",
        )
