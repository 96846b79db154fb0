"""What a student needs of a compiler's output: the first errors, with paths of the tree and none of this machine."""

from __future__ import annotations

import re
from pathlib import Path

from grader.toolchain import Toolchain

_MAX_LINES = 8
_MAX_LINE = 300  # characters; also because a pattern on a line of 1 MB, which a tree can provoke, may take minutes
_MAX_CHARACTERS = 1500
# file:line:column: error: message (GCC, Clang), file(line): error: message (nvcc), program: error: message (drivers)
_ERROR = re.compile(
    r"^([^\s:(][^:(]*(:\d+(:\d+)?:|\(\d+\):)|[\w+.-]+:) (fatal |internal compiler |catastrophic )?error\b"
)
# A template's error stands in a header; the place in the student's code that led there is in the lines before it.
_FROM_HERE = re.compile(r"^([^\s:][^:]*:\d+(:\d+)?):\s+required from here$")
_LINKER = re.compile(r"undefined reference|undefined symbol|multiple definition|cannot find -l|ld: error|ld: symbol")
_MEMORY = re.compile(r"out of memory|virtual memory exhausted|std::bad_alloc|Cannot allocate memory")
_KILLED = re.compile(r"Killed signal|signal terminated program|internal compiler error|CPU time limit|File size limit")
# The compiler's version and the machine's kind stand in these paths: messages must be the same without them.
_SYSTEM_HEADER = re.compile(r"(?<![\w.<])/(?:[^\s:()]*/)?(?:include|lib\w*)/(?:c\+\+/[\w.]+/)?([^\s:()]+)(?=[:(]\d)")
_NOISE = re.compile(r"^(FAILED: |ninja: |\[\d+/\d+\] )")


def first_errors(output: str, tree: Path, tools: Toolchain) -> str:
    """The first errors of a compiler's output, indented, at most 8 lines and 1500 characters."""
    text = output.replace(f"{tree}/", "")
    found: list[str] = []
    origin = ""
    for line in (whole[:_MAX_LINE] for whole in text.splitlines()):
        if match := _FROM_HERE.match(line):
            origin = match[1]
        elif _ERROR.match(line) or _LINKER.search(line):
            shown = _without_this_machine(line, tools) if len(found) < _MAX_LINES else line
            found.append(f"{shown} (required from {origin})" if origin and shown.startswith("<") else shown)
            origin = ""
    return _cut(found) if found else last_lines(text)


def last_lines(output: str) -> str:
    """The last lines of an output in which nothing looks like an error, indented and cut in the same way."""
    lines = [line[:_MAX_LINE].rstrip() for line in output.splitlines() if line.strip() and not _NOISE.match(line)]
    return _cut(lines[-_MAX_LINES:]) if lines else "  (the compiler printed nothing)"


def out_of_memory(output: str) -> bool:
    """Whether the compiler says that it got no more memory."""
    return bool(_MEMORY.search(output))


def was_killed(output: str) -> bool:
    """Whether a part of the compiler was ended by a signal or crashed: that may come out differently another time."""
    return bool(_KILLED.search(output))


def _without_this_machine(line: str, tools: Toolchain) -> str:
    for folder in (tools.pybind11_headers, tools.python_headers):
        line = re.sub(re.escape(folder) + r"/([^\s:()]+)", r"<\1>", line)
    return _SYSTEM_HEADER.sub(r"<\1>", line)


def _cut(lines: list[str]) -> str:
    kept = [f"  {line[:_MAX_LINE]}" for line in lines[:_MAX_LINES]]
    more = len(lines) - len(kept)
    text = "\n".join(kept)[:_MAX_CHARACTERS]
    return f"{text}\n  ... and {more} more" if more > 0 else text
