"""Each kernel says that it has begun, so that one called without `<<<>>>`, and a launch of what is none, are found."""

from __future__ import annotations

import re

from grader.cudasim.code import CLASSES, Region
from grader.cudasim.edits import Edits, joined

_DIRECTIVE = re.compile(r"\n[ \t]*#")


def mark(region: Region, edits: Edits) -> bool:
    """Put a statement at the begin of each kernel's body, and say whether no kernel of the region can lack it.

    One can where the body is not to be seen (`#define KERNEL __global__ void`), or the head has an #if, and with that
    two bodies. And `template <> void k<int>(int* p) {` is a kernel without the word where the template is one.
    """
    all_marked = True
    done = specialized = 0  # what comes before these has been decided
    for at, token in enumerate(region.tokens):
        if token.text == "__global__" and at >= done:
            done, parameters = _head(region, at)
            if region.text(done) == "{" and parameters is not None and (name := _name(region, at, parameters)):
                edits.insert(
                    region.tokens[done].end,
                    f" ::cudasim::kernel_begun(CUDASIM_NAME({name}), __FILE__, __LINE__);",
                )
                head = edits.source.text[token.start : region.tokens[done].start]
                all_marked &= _DIRECTIVE.search(head) is None
            else:
                all_marked &= region.text(done) == ";"  # a declaration
        elif at >= specialized and (token.text, region.text(at + 1), region.text(at + 2)) == ("template", "<", ">"):
            specialized, _ = _head(region, at)
            words = {region.text(word) for word in range(at, specialized)}
            if region.text(specialized) == "{" and not words & {*CLASSES, "__global__", "__device__"}:
                all_marked = False
    return all_marked


def _head(region: Region, at: int) -> tuple[int, int | None]:
    """Where a function's head ends that is under way at `at`: the index of its `{` or `;`, or where it breaks off.

    With it comes the index of the `(` of its parameters: of the last parenthesis but attributes', for a macro with
    another may stand before the name.
    """
    parameters = None
    while at < len(region.tokens) and region.text(at) not in (";", "{", "}", ")", "]"):
        if region.text(at) in ("(", "["):
            closing = region.closing(at)
            if closing is None:
                break
            if region.text(at) == "(" and region.attribute(at) is None:
                parameters = at
            at = closing
        at += 1
    return at, parameters


def _name(region: Region, start: int, parameters: int) -> str:
    """The name before the parameters of a head that begins at `start`: `k`, `k<int>`'s too, `a##b`; "" for none."""
    end = parameters
    if region.text(end - 1) == ">":
        depth = 0
        while end > start:
            end -= 1
            depth += (region.text(end) == ">") - (region.text(end) == "<")
            if depth == 0:
                break
    begin = end - 1
    while begin - 2 > start and region.text(begin - 1) == "##":
        begin -= 2
    words = region.tokens[begin:end]
    return joined(words) if begin > start and all(word.kind == "word" or word.text == "##" for word in words) else ""
