"""Suspicions about a tree's compiled modules: what they import that a kernel has no use for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from grader.reading.elf import check_module
from grader.reading.flag import Flag


def read_modules(modules: Mapping[str, str], *, cuda: frozenset[str], simulated: bool = False) -> list[Flag]:
    """Of modules that were built. modules: name -> file, "" where it is not built; cuda: those that nvcc compiled."""
    flags: list[Flag] = []
    for module, file in modules.items():
        if file:
            checked = check_module(Path(file).read_bytes(), cuda=module in cuda and not simulated, simulated=simulated)
            flags += [Flag(module, 0, f"imports {name}", f"it {what}") for name, what in checked.suspicions]
    return flags
