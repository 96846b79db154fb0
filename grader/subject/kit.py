"""The kit: everything that a worker may import besides the submission, in one folder of its own.

A worker runs without site-packages, because PyTorch lies there and a submission could let it do the work. The kit
holds the worker with what it needs, the assignment's probes, and NumPy; a box shows it this folder and no other of
ours.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy

from grader.delegation import modes
from grader.sandbox.view import open_up
from grader.subject import guard, perturbation, protocol, worker


def build_kit(folder: Path, probes: Path) -> list[Path]:
    """Fill `folder` with the kit for the probes' package `probes`; returns the folders outside it that it points to."""
    for module in (guard, modes, perturbation, protocol, worker):
        assert module.__file__ is not None
        package = folder.joinpath(*module.__name__.split(".")[:-1])
        package.mkdir(parents=True, exist_ok=True)
        for initial in (package.parent, package):
            (initial / "__init__.py").touch()
        shutil.copy(module.__file__, package)
    shutil.copytree(probes, folder / probes.name, ignore=shutil.ignore_patterns("__pycache__"))
    open_up(folder)
    numpy_home = Path(numpy.__file__).parent
    # numpy.libs lies beside numpy in Linux wheels and holds the shared libraries that it loads by a relative path.
    linked = [home for home in (numpy_home, numpy_home.with_name("numpy.libs")) if home.exists()]
    for home in linked:
        (folder / home.name).symlink_to(home)
    return linked
