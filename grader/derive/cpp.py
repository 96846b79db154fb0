"""C++ and CUDA regions, and the stub that takes their place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from grader.derive.cpp_code import definitions
from grader.derive.markers import MarkerError, Region, Span, Violation

_COMMENTS_AND_LITERALS = re.compile(
    r""" R"(?P<delimiter>[^()\\\s]*)\(.*?\)(?P=delimiter)"
      | //[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | \'(?:\\.|[^\'\\\n])*\' """,
    re.VERBOSE | re.DOTALL,
)
_NOT_CODE = re.compile(r"\s*(?:$|#|//|/\*|\*)")  # blank, preprocessor or comment lines


def stub(region: Region) -> str:
    """The statement that stands for a region: it throws in a function, where __func__ names the task."""
    return f"{region.indent}throw NotImplemented(__func__);" if region.in_function else ""


def place(lines: Sequence[str], spans: Sequence[Span], path: str) -> list[Region]:
    """The regions: at namespace scope where markers are at column 0, in a function where they are indented.

    A region in a function carries the function's name. Raises MarkerError where only one of a region and its code is at
    column 0, or its braces do not match.
    """
    names = _names(lines, spans, path)
    regions = [
        Region.of(lines, span, path, name, in_function=span.indent != "")
        for span, name in zip(spans, names, strict=True)
    ]
    violations = [violation for region in regions for violation in _misplaced(region)]
    if violations:
        raise MarkerError(violations)
    return regions


def _names(lines: Sequence[str], spans: Sequence[Span], path: str) -> Iterator[str]:
    """The function that each pair of markers is in; "" at namespace scope, and in what is no plain function."""
    functions = [item for item in definitions(path, "".join(lines)) if item.kind == "function"] if spans else []
    starts = list(itertools.accumulate(map(len, lines), initial=0))
    for span in spans:
        at = starts[span.first - 1]
        inside = [item.name for item in functions if span.indent and item.first < at < item.last]
        yield inside[-1] if inside else ""


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
    text = _COMMENTS_AND_LITERALS.sub(" ", "".join(region.lines))
    opened, closed = text.count("{"), text.count("}")
    if opened != closed:
        yield Violation(
            region.path,
            region.first,
            f"the braces of this region do not match ({opened} opened, {closed} closed); "
            "a region has to end within the block where it began",
        )
