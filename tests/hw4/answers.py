"""Reaching into answers. A submission shares its process with the probes, so an answer's structure may be anything."""

from __future__ import annotations

from typing import Any

from grader.compare import Mismatch


def part(answer: Any, name: str, *path: int | str) -> Any:
    """answer.name[path[0]][path[1]]... Raises Mismatch where there is no such part."""
    value = getattr(answer, name)
    for key in path:
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        if key not in keys:
            raise Mismatch(f"the answer has no {name}{''.join(f'[{key!r}]' for key in path)}.")
        value = value[key]
    return value
