"""Python, and what is installed into it."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

from grader import remedies
from grader.doctor.findings import Finding, version
from grader.first_aid import OLDEST_PYTHON

_PIP = f"{sys.executable} -m pip install"


def python() -> Finding:
    """The one that runs this."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        remedy = f"{remedies.remedy('Python')}; anywhere: `uv python install 3.12`; then remove .venv, and again"
        return Finding("Python", "missing", f"{found}; expected {wanted} or later", remedy)
    return Finding("Python", "ok", found, "")


def package(name: str) -> Finding:
    """A package that grading needs."""
    installed = version(name)
    if installed is None:
        return Finding(name, "missing", "not installed", f"run `{_PIP} {name}`")
    return Finding(name, "ok", installed, "")


def torch() -> Finding:
    """Which build of PyTorch."""
    installed = version("torch")
    if installed is None:
        remedy = f"run `{_PIP} torch --index-url https://download.pytorch.org/whl/cpu` (the CPU build: 0.2 GB, not 3)"
        return Finding("torch", "missing", "not installed; it computes what is right", remedy)
    build = installed.partition("+")[2]
    kind = "the build for the CPU" if build == "cpu" else f"the build {build}" if build else "the standard build"
    return Finding("torch", "ok", f"{installed}: {kind}; grading uses only its CPU side", "")


def pytest_plugins() -> Finding:
    """The one that is needed, and any that would meddle."""
    name = "pytest plugins"
    if version("pytest-json-report") is None:
        return Finding(name, "missing", "pytest-json-report is not installed", f"run `{_PIP} pytest-json-report`")
    names = {entry.dist.name for entry in importlib.metadata.entry_points(group="pytest11") if entry.dist}
    found = ", ".join(f"{plugin} {version(plugin)}" for plugin in sorted(names))
    # They reorder cases, or reseed Python's generators between them.
    meddling = sorted(names & {"pytest-randomly", "pytest-random-order", "pytest-reverse"})
    if meddling:
        remedy = f"run `{sys.executable} -m pip uninstall {' '.join(meddling)}`"
        return Finding(name, "warn", f"{', '.join(meddling)} changes the order of cases and reseeds", remedy)
    return Finding(name, "ok", found, "")
