"""What compiles a module on this machine: compiler, cmake, ninja, and the headers of Python and pybind11."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from grader import remedies
from grader.errors import GraderError

_T = TypeVar("_T")

# Now, while there is one thread: of two that ask sysconfig for the first time at once, as threads of grade_trees do,
# one can get None (Python 3.11 publishes its table before it is filled), and a build then failed with our TypeError.
sysconfig.get_config_vars()


@dataclass(frozen=True)
class Toolchain:
    """What decides how a module comes out, and so goes into the key of the cache: quick to find, all of it there."""

    cxx: str  # absolute path of the C++ compiler
    cxx_version: str  # what it prints of itself
    python_headers: str  # the folder of Python.h
    pybind11_headers: str  # the folder of pybind11/
    pybind11_version: str
    suffix: str  # of extension modules of this Python: ".cpython-311-x86_64-linux-gnu.so"


REMEDIES = {
    "C++ compiler": remedies.remedy("C++ compiler"),
    "cmake": f"run `{sys.executable} -m pip install cmake`",
    "ninja": f"run `{sys.executable} -m pip install ninja`",
    "pybind11": f"run `{sys.executable} -m pip install pybind11`",
    "Python.h": remedies.remedy("Python.h"),
}


def find_toolchain() -> Toolchain:
    """The compiler and headers of this machine. Raises GraderError with the remedy where one is missing."""
    cxx = needed("C++ compiler", cxx_compiler())
    pybind11 = needed("pybind11", pybind11_home())
    return Toolchain(
        cxx=cxx,
        cxx_version=version_text(cxx),
        python_headers=needed("Python.h", python_headers()),
        pybind11_headers=pybind11[0],
        pybind11_version=pybind11[1],
        suffix=sysconfig.get_config_var("EXT_SUFFIX"),
    )


def cxx_compiler() -> str | None:
    """The C++ compiler: what CXX names, else the first of c++, g++ and clang++ on PATH; None where there is none."""
    wanted = shlex.split(os.environ.get("CXX", ""))
    for name in wanted[-1:] or ("c++", "g++", "clang++"):  # [-1:]: CXX may be "ccache g++"
        if found := shutil.which(name):
            return os.path.abspath(found)
    return None


# A package of PyPI's, and its attribute with the folder of its executables: those in a venv's bin are scripts that
# start a Python first, which a box would have to show too.
_WHEELS = {"cmake": "CMAKE_BIN_DIR", "ninja": "BIN_DIR"}


@functools.cache
def tool(name: str) -> str | None:
    """The path of cmake or ninja: of this environment's package, else beside this Python, else on PATH, else None."""
    folders = [str(Path(sys.executable).parent)]
    with contextlib.suppress(ImportError, AttributeError):  # a distribution's package has no Python module
        folders.insert(0, str(getattr(importlib.import_module(name), _WHEELS[name])))
    for folder in folders:
        if found := shutil.which(name, path=folder):
            return found
    return shutil.which(name)


def python_headers() -> str | None:
    """The folder of this Python's Python.h; None where it is not installed."""
    folder = sysconfig.get_paths()["include"]
    return folder if Path(folder, "Python.h").is_file() else None


def pybind11_home() -> tuple[str, str] | None:
    """The folder of pybind11's headers and its version; None where it is not installed."""
    try:
        pybind11 = importlib.import_module("pybind11")
    except ImportError:
        return None
    return str(pybind11.get_include()), str(pybind11.__version__)


@functools.cache
def version_text(program: str) -> str:
    """What `program --version` prints; "" where it does not run."""
    try:
        done = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def needed(name: str, found: _T | None) -> _T:
    """`found`, unless it is None: then GraderError with the remedy, for no tree is at fault."""
    if found is None:
        raise GraderError(f"{name} was not found, so no tree can be compiled. The remedy: {REMEDIES[name]}.")
    return found
