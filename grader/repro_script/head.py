"""What the script says of itself: its docstring, in which a submission's words and the paths of a person stand."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.visible import visible

_LINES, _LINE = 12, 400  # of the message


@dataclass(frozen=True)
class Case:
    """What there is to tell of a case that was lost."""

    id: str
    seed: int
    message: str  # why; without the command that repeats it
    tree: Path
    paths: Sequence[str]  # of the tree, for sys.path
    env: Mapping[str, str]
    simulates: Mapping[str, str]  # a simulated device -> the one that the tree knows
    suite: str  # its folder, for a person
    file: str = ""  # what the script will be called; empty where it is one text, with its data inside


def docstring(case: Case, has_data: bool, device: str, known: str) -> str:
    """The docstring, as it stands in the script. device: the case's; known: what the tree calls it."""
    words = visible(case.message).split("\n")[:_LINES]
    lines = [
        f"{case.id}, seed {case.seed}, without the grader.",
        "",
        *("\n".join(textwrap.wrap(line[:_LINE], 116, subsequent_indent="  ")) for line in words),
        "",
        "Build the tree, then run this with it or with another tree:",
        f"    make -C {shlex.quote(str(case.tree))}",
        f"    python {shlex.quote(case.file) if case.file else 'FILE'} [TREE]",
        "It needs NumPy and the tree, nothing else. Exit status: 0 where the answer is right, 1 where it is wrong.",
    ]
    if has_data:
        where = "in the .npz beside it" if case.file else "inside, as an .npz"
        lines += [f"Large arrays are {where}, exactly as the grader sent them."]
    if device != known:
        lines += [f"The case ran on {device}; here it is {known}, on which the same may look different."]
    return _quoted("\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    """The whole text between triple quotes. Once, over all of it: whatever part was forgotten would be code."""
    return '"""' + visible(text).replace("\\", "\\\\").replace('"""', r"\"\"\"") + '"""\n'
