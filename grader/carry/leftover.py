"""What a student has written in OLD that nothing here asks for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from grader.carry.layout import Modules
from grader.carry.outcome import Addition, Fate, Item
from grader.carry.python.body import written
from grader.carry.python.file import PythonFile


def leftovers(
    old: Mapping[str, PythonFile], target: Modules, items: Sequence[Item], additions: Sequence[Addition]
) -> Iterator[str]:
    """A sentence for each file of OLD that has some: functions between or around markers that went nowhere."""
    used = {item.source for item in items if item.fate is not Fate.UNWRITTEN} | {item.source for item in additions}
    here = {name for file in target.files.values() for name in file.definitions}
    for path, file in sorted(old.items()):
        names = [
            name
            for name, node in file.definitions.items()
            if not isinstance(node, ast.ClassDef)
            and name not in here
            and f"{path}:{node.lineno}" not in used
            and any(node.lineno < mark.first <= (node.end_lineno or 0) for mark in file.marked)
            and written(file, node)
        ]
        if names:
            yield f"In OLD's {path}, and asked for nowhere here: {', '.join(names)}."
