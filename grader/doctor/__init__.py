"""Say what this machine has, what it lacks, and how to mend that.

A module looks at one kind of thing: `machine`, `packages` (Python and what is installed into it), `compilers`, `gpus`,
`disk` (data sets, the cache, free space). Nothing heavy is imported: this must run where things are broken.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.assignment import Assignment
from grader.doctor import compilers, disk, gpus, machine, packages
from grader.doctor.findings import Finding, Status, render

__all__ = ["Finding", "Status", "examine", "render"]


def examine(assignment: Assignment) -> list[Finding]:
    """Look at everything that grading `assignment` needs, in the order of the report; raises nothing."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("system", machine.system),
        ("Python", packages.python),
        ("memory", lambda: machine.memory(assignment)),
        ("cores", machine.cores),
        ("disk", disk.space),
        ("C++ compiler", compilers.cxx),
        ("Python.h", compilers.python_headers),
        ("cmake", compilers.cmake),
        ("ninja", compilers.ninja),
        ("pybind11", compilers.pybind11),
        ("numpy", lambda: packages.package("numpy")),
        ("torch", packages.torch),
        ("pytest", lambda: packages.package("pytest")),
        ("pytest plugins", packages.pytest_plugins),
        *((f"sandbox {kind}", lambda kind=kind: machine.sandbox(kind)) for kind in machine.sandbox_kinds()),
        ("NVIDIA GPU", lambda: gpus.gpu(assignment)),
        ("CUDA compiler", gpus.nvcc),
        *(
            (device, lambda device=device: gpus.simulated(assignment, device))
            for device in assignment.devices.simulates
        ),
        ("data sets", disk.data_sets),
        ("build cache", disk.cache),
    ]
    return [_careful(name, check) for name, check in checks]


def _careful(name: str, check: Callable[[], Finding]) -> Finding:
    """The check's finding. This is the command for machines on which things are broken, so it must not break itself."""
    try:
        return check()
    except Exception as error:  # whatever it is, it is told, and no score hangs on it
        return Finding(name, "warn", f"cannot be examined: {type(error).__name__}: {error}", "report this line to us")
