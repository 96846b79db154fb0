"""What compiles a tree."""

from __future__ import annotations

import os
import subprocess
import sys

from grader import toolchain
from grader.doctor.findings import Finding

_OLDEST_CMAKE = (3, 18)  # the one that our project asks for


def cxx() -> Finding:
    """A C++ compiler that compiles C++17."""
    name = "C++ compiler"
    compiler = toolchain.cxx_compiler()
    if compiler is None:
        if wanted := os.environ.get("CXX"):
            remedy = "unset CXX, or let it name a compiler that is there"
            return Finding(name, "missing", f"CXX names {wanted}, which is not there", remedy)
        return _lacking(name, "none")
    found = f"{toolchain.version_text(compiler).partition(chr(10))[0] or 'of unknown version'} at {compiler}"
    # Not by its version: a compiler without its library, or macOS's that only offers to install one, is there, too.
    trial = subprocess.run(
        [compiler, "-std=c++17", "-fsyntax-only", "-x", "c++", "-"],
        input=b"#include <optional>\nstd::optional<int> x;\n",
        capture_output=True,
        timeout=60,
        check=False,
    )
    if trial.returncode != 0:
        told = trial.stderr.decode("utf-8", "replace").strip().splitlines()[:1]
        return _lacking(name, f"{found} cannot compile C++17: {''.join(told)}")
    return Finding(name, "ok", found, "")


def python_headers() -> Finding:
    """What extension modules are compiled against."""
    folder = toolchain.python_headers()
    if folder is None:
        return _lacking("Python.h", f"not installed for {sys.executable}")
    return Finding("Python.h", "ok", folder, "")


def cmake() -> Finding:
    """One that runs, and is new enough."""
    program = toolchain.tool("cmake")
    version = toolchain.version_text(program or "").partition("\n")[0].rpartition(" ")[2]
    if program is None or not version:
        return _lacking("cmake", f"{program} does not run" if program else "none")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_CMAKE:
        oldest = ".".join(map(str, _OLDEST_CMAKE))
        return _lacking("cmake", f"{version} at {program}; expected {oldest} or later")
    return Finding("cmake", "ok", f"{version} at {program}", "")


def ninja() -> Finding:
    """One that runs."""
    program = toolchain.tool("ninja")
    version = toolchain.version_text(program or "")
    if program is None or not version:
        return _lacking("ninja", f"{program} does not run" if program else "none")
    return Finding("ninja", "ok", f"{version} at {program}", "")


def pybind11() -> Finding:
    """Its headers."""
    home = toolchain.pybind11_home()
    if home is None:
        return _lacking("pybind11", "not installed")
    folder, version = home
    return Finding("pybind11", "ok", f"{version} at {folder}", "")


def _lacking(name: str, found: str) -> Finding:
    return Finding(name, "missing", found, toolchain.REMEDIES[name])
