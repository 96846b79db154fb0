"""Sets a hosted notebook up: one whose machine is the service's, made anew each time, with the service's own Python.

The notebook's first cell runs this file there, and only there. It installs what requirements.lock names and the
service's Python lacks, leaves alone what it has (PyTorch and NumPy are loaded already, maybe), and goes into the tree.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
_KEPT = Path("/content/drive")  # what the service keeps: the student's own Drive


def set_up(tree: Path = TREE) -> None:
    """Make the current Python and folder fit for the notebook's next cells. Raises RuntimeError with the remedy."""
    lock = tree.parent / "requirements.lock"
    if not lock.is_file():
        raise RuntimeError(f"There is no {lock}. Bring the whole handout here, not student/ alone.")
    _install(missing(lock.read_text(encoding="utf-8")))
    for program, what in (("make", "make"), ("c++", "a C++ compiler")):
        if shutil.which(program) is None:
            raise RuntimeError(
                f"This machine has no {program}. Run `!apt-get install -y make g++` in a cell, then again."
            )
        print(f"{what}: there")
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not here, which computes what is right in the tests: run `!pip install torch` in a cell.")
    os.chdir(tree)
    print(f"You are in {tree}. Run the cells below: they compile your tree and put it on Python's path.")
    if _KEPT not in tree.parents:
        print(
            "This machine is forgotten when you leave it. To keep your work, unpack the handout in your Drive (mount\n"
            "it with `from google.colab import drive; drive.mount('/content/drive')`, put the zip there, run this\n"
            f"cell again), or take a copy before you leave: `!cd {tree.parent} && zip -qr /content/mine.zip student`."
        )


def missing(lock: str) -> list[str]:
    """The lines of a requirements file whose packages are not installed, in whatever version."""
    lines = [line.strip() for line in lock.splitlines()]
    return [line for line in lines if line and not line.startswith("#") and not _installed(line.partition("==")[0])]


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _install(lines: list[str]) -> None:
    if not lines:
        print("Everything in requirements.lock is installed.")
        return
    print("Installing what the handout needs and this Python lacks: a minute or less ...")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines))
        file.flush()
        # Without what they depend on: the lock names all of that, too, and what is here already must stay as it is.
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", file.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"pip could not install what is missing:\n{done.stdout.strip()}")
    importlib.invalidate_caches()


if __name__ == "__main__":
    set_up()
