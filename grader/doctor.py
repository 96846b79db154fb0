"""Say what this machine has, what it lacks, and how to mend that."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader import devices, toolchain
from grader.assignment import Assignment
from grader.errors import HarnessError

_ROOT = Path(__file__).resolve().parents[1]
_GIB = 1 << 30
_PIP = f"{sys.executable} -m pip install"
_OLDEST_PYTHON = (3, 10)
_OLDEST_CMAKE = (3, 18)  # the one that our project asks for

Status = Literal["ok", "warn", "missing"]


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing."""

    name: str  # "C++ compiler"
    status: Status  # warn: grading works, with less than it could; missing: it does not work
    found: str  # what is there, or what is not
    remedy: str  # what to do about it; "" where it is ok


def examine(assignment: Assignment) -> list[Finding]:
    """Look at everything that grading `assignment` needs, in the order of the report; raises nothing."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("system", _system),
        ("Python", _python),
        ("memory", lambda: _memory(assignment)),
        ("cores", _cores),
        ("C++ compiler", _compiler),
        ("Python.h", _python_headers),
        ("cmake", _cmake),
        ("ninja", _ninja),
        ("pybind11", _pybind11),
        ("numpy", lambda: _package("numpy")),
        ("torch", _torch),
        ("pytest", lambda: _package("pytest")),
        ("pytest plugins", _pytest_plugins),
        *((f"sandbox {kind}", lambda kind=kind: _sandbox(kind)) for kind in _sandbox_kinds()),
        ("NVIDIA GPU", lambda: _gpu(assignment)),
        ("CUDA compiler", _nvcc),
        *((device, lambda device=device: _simulated(assignment, device)) for device in assignment.devices.simulates),
        ("data sets", _data),
        ("build cache", _cache),
    ]
    return [_careful(name, check) for name, check in checks]


def render(findings: Sequence[Finding]) -> str:
    """The findings as text, a line each, remedies below the line, and a last line that sums up."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:7}  {finding.name:{width}}  {finding.found}".rstrip())
        if finding.remedy:
            lines.append(f"{'':7}  {'':{width}}  -> {finding.remedy}")
    missing = [finding.name for finding in findings if finding.status == "missing"]
    warned = [finding.name for finding in findings if finding.status == "warn"]
    if missing:
        lines.append(f"\nGrading does not work here yet: {', '.join(missing)}.")
    elif warned:
        lines.append(f"\nGrading works here, but see: {', '.join(warned)}.")
    else:
        lines.append("\nGrading works here, with all that it can use.")
    return "\n".join(lines)


def _careful(name: str, check: Callable[[], Finding]) -> Finding:
    """The check's finding. This is the command for machines on which things are broken, so it must not break itself."""
    try:
        return check()
    except Exception as error:  # whatever it is, it is told, and no score hangs on it
        return Finding(name, "warn", f"cannot be examined: {type(error).__name__}: {error}", "report this line to us")


def _system() -> Finding:
    found = f"{platform.system()} {platform.release()}, {platform.machine()}"
    if sys.platform == "win32":
        remedy = "grade inside WSL (`wsl --install` in a terminal, then everything as on Ubuntu)"
        return Finding("system", "missing", f"{found}: workers need process groups and limits of POSIX", remedy)
    return Finding("system", "ok", found, "")


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Finding(
            "Python",
            "missing",
            f"{found}; expected 3.10 or later",
            "Debian, Ubuntu, WSL: `sudo apt-get install python3 python3-venv`; macOS: `brew install python`; "
            "anywhere: `uv python install 3.12`",
        )
    return Finding("Python", "ok", found, "")


def _memory(assignment: Assignment) -> Finding:
    total = _memory_bytes()
    needed = 2 * _GIB + (assignment.limits.memory_mib << 20) // 2
    found = f"{total / _GIB:.1f} GiB"
    if total < needed:
        what = f"{found}; expected {needed / _GIB:.0f}: PyTorch, a compiler, and a case of up to "
        what += f"{assignment.limits.memory_mib / 1024:g} GiB"
        return Finding("memory", "warn", what, "grade with --jobs 1, and close other programs")
    return Finding("memory", "ok", found, "")


def _memory_bytes() -> int:
    """Of the machine, or of the container where that has less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):  # version 2, version 1
        text = Path(limit).read_text().strip() if Path(limit).is_file() else ""
        if text.isdigit():
            total = min(total, int(text))
    return total


def _cores() -> Finding:
    # sched_getaffinity knows of taskset and of most containers' limits; macOS does not have it.
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count < 2:
        return Finding("cores", "warn", "1: judging and computing take turns", "nothing to mend; a run takes longer")
    return Finding("cores", "ok", str(count), "")


def _compiler() -> Finding:
    name = "C++ compiler"
    compiler = toolchain.cxx_compiler()
    if compiler is None:
        wanted = os.environ.get("CXX")
        return Finding(name, "missing", f"CXX names {wanted}, which is not there" if wanted else "none", _remedy(name))
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
        return Finding(name, "missing", f"{found} cannot compile C++17: {''.join(told)}", _remedy(name))
    return Finding(name, "ok", found, "")


def _python_headers() -> Finding:
    folder = toolchain.python_headers()
    if folder is None:
        return Finding("Python.h", "missing", f"not installed for {sys.executable}", _remedy("Python.h"))
    return Finding("Python.h", "ok", folder, "")


def _cmake() -> Finding:
    program = toolchain.tool("cmake")
    version = toolchain.version_text(program or "").partition("\n")[0].rpartition(" ")[2]
    if program is None or not version:
        return Finding("cmake", "missing", f"{program} does not run" if program else "none", _remedy("cmake"))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_CMAKE:
        oldest = ".".join(map(str, _OLDEST_CMAKE))
        return Finding("cmake", "missing", f"{version} at {program}; expected {oldest} or later", _remedy("cmake"))
    return Finding("cmake", "ok", f"{version} at {program}", "")


def _ninja() -> Finding:
    program = toolchain.tool("ninja")
    version = toolchain.version_text(program or "")
    if program is None or not version:
        return Finding("ninja", "missing", f"{program} does not run" if program else "none", _remedy("ninja"))
    return Finding("ninja", "ok", f"{version} at {program}", "")


def _pybind11() -> Finding:
    home = toolchain.pybind11_home()
    if home is None:
        return Finding("pybind11", "missing", "not installed", _remedy("pybind11"))
    folder, version = home
    return Finding("pybind11", "ok", f"{version} at {folder}", "")


def _package(name: str) -> Finding:
    """A package by its metadata: importing PyTorch alone would take 2 s."""
    version = _version(name)
    if version is None:
        return Finding(name, "missing", "not installed", f"run `{_PIP} {name}`")
    return Finding(name, "ok", version, "")


def _torch() -> Finding:
    version = _version("torch")
    if version is None:
        remedy = f"run `{_PIP} torch --index-url https://download.pytorch.org/whl/cpu` (the CPU build: 0.2 GB, not 3)"
        return Finding("torch", "missing", "not installed; it computes what is right", remedy)
    build = version.partition("+")[2]
    kind = "the build for the CPU" if build == "cpu" else f"the build {build}" if build else "the standard build"
    return Finding("torch", "ok", f"{version}: {kind}; grading uses only its CPU side", "")


def _pytest_plugins() -> Finding:
    name = "pytest plugins"
    if _version("pytest-json-report") is None:
        return Finding(name, "missing", "pytest-json-report is not installed", f"run `{_PIP} pytest-json-report`")
    names = {entry.dist.name for entry in importlib.metadata.entry_points(group="pytest11") if entry.dist}
    found = ", ".join(f"{plugin} {_version(plugin)}" for plugin in sorted(names))
    # They reorder cases, or reseed Python's generators between them.
    meddling = sorted(names & {"pytest-randomly", "pytest-random-order", "pytest-reverse"})
    if meddling:
        remedy = f"run `{sys.executable} -m pip uninstall {' '.join(meddling)}`"
        return Finding(name, "warn", f"{', '.join(meddling)} changes the order of cases and reseeds", remedy)
    return Finding(name, "ok", found, "")


def _sandbox_kinds() -> tuple[str, ...]:
    try:
        from grader.sandbox import KINDS
    except ImportError:  # Windows
        return ("none",)
    return KINDS


def _sandbox(kind: str) -> Finding:
    """Whether a box of that kind starts a command, under limits."""
    from grader.sandbox import Limits, open_sandbox
    from grader.sandbox.finish import run_to_end

    name = f"sandbox {kind}"
    with tempfile.TemporaryDirectory(prefix="grader-doctor-") as folder:
        try:
            done = run_to_end(
                open_sandbox(kind),
                ["/bin/sh", "-c", "echo works"],
                limits=Limits(_GIB, 10, 1 << 20),
                wall_seconds=20,
                output_bytes=1000,
                cwd=Path(folder),
                readable=[],
                writable=[Path(folder)],
                env={"PATH": "/usr/bin:/bin"},
            )
        except HarnessError as error:
            return Finding(name, "missing", str(error), "use another kind with --sandbox")
    if done.status != 0 or done.output.strip() != "works":
        told = done.output.strip()[:200]
        return Finding(name, "missing", f"does not start: {told}", "use another kind with --sandbox")
    return Finding(name, "ok", "works", "")


def _gpu(assignment: Assignment) -> Finding:
    gpus = devices.nvidia_gpus()
    simulators = ", ".join(f"--device {device}" for device in assignment.devices.simulates)
    instead = f", and `{simulators}` runs them on the CPU" if simulators else ""
    if gpus.found:
        return Finding("NVIDIA GPU", "ok", f"{', '.join(gpus.names)}; driver {gpus.driver}", "")
    remedy = f"nothing to mend without such a GPU; the cases on it are shown as not run{instead}"
    if gpus.installed:
        remedy = "the driver is there but finds no GPU: see what `nvidia-smi` says; start a container with `--gpus all`"
    elif devices.cuda_compiler():
        remedy = (
            "a CUDA compiler is there but no driver: where there is a GPU, install it (Debian: `sudo apt-get install "
            "nvidia-driver`; Ubuntu: `sudo ubuntu-drivers install`; WSL: NVIDIA's driver for Windows; macOS has none)"
        )
    return Finding("NVIDIA GPU", "warn", f"none: {gpus.why_none}", remedy)


def _nvcc() -> Finding:
    compiler = devices.cuda_compiler()
    if compiler is None:
        if not devices.nvidia_gpus().found:
            return Finding("CUDA compiler", "ok", "none, and no GPU that needs one", "")
        remedy = (
            "install CUDA's toolkit (Debian, Ubuntu: `sudo apt-get install nvidia-cuda-toolkit`; WSL: NVIDIA's "
            "package for WSL) and put nvcc on PATH"
        )
        return Finding("CUDA compiler", "warn", "none: nvcc is not on PATH", remedy)
    lines = toolchain.version_text(compiler).splitlines()
    release = next((line.strip() for line in lines if "release" in line), "of unknown version")
    if not lines:
        return Finding("CUDA compiler", "warn", f"{compiler} does not run", "install CUDA's toolkit anew")
    return Finding("CUDA compiler", "ok", f"{release} at {compiler}", "")


def _simulated(assignment: Assignment, device: str) -> Finding:
    """Whether CUDA can be run on the CPU, and whether what it finds there can be told with its line."""
    if lacks := devices.present(assignment, device):
        return Finding(device, "missing", lacks, _remedy("C++ compiler"))
    found = f"runs the .cu file of {assignment.devices.simulates[device]} on the CPU"
    if shutil.which("addr2line") is None:
        remedy = "install binutils (Debian, Ubuntu, WSL: `sudo apt-get install binutils`)"
        return Finding(device, "warn", f"{found}; without addr2line, `--check memory` names no lines", remedy)
    return Finding(device, "ok", found, "")


def _data() -> Finding:
    named = os.environ.get("NEEDLE_DATA")
    folder = Path(named).expanduser() if named else _ROOT / "data"
    sets = sorted(item.name for item in folder.iterdir() if item.is_dir()) if folder.is_dir() else []
    if not sets:
        what = f"NEEDLE_DATA names {folder}, which holds none" if named else f"none in {folder}"
        remedy = "download them with `python apps/download_dataset.py` in a tree, and let NEEDLE_DATA name the folder"
        return Finding("data sets", "warn", f"{what}; grading makes its own small ones", remedy)
    return Finding("data sets", "ok", f"{', '.join(sets)} in {folder}", "")


def _cache() -> Finding:
    from grader.build_cache import BuildCache, cache_folder  # not at the top: it needs POSIX's locks

    folder = cache_folder()
    if BuildCache.open(folder) is None:
        return Finding(
            "build cache",
            "warn",
            f"{folder} cannot be written to, so every run compiles anew",
            "make it writable, or let GRADER_CACHE name another folder",
        )
    free = shutil.disk_usage(folder).free
    found = f"{free / _GIB:.1f} GiB free at {folder}"
    if free < _GIB:
        return Finding("build cache", "warn", f"{found}; expected 1 GiB", "free some space on that disk")
    return Finding("build cache", "ok", found, "")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _remedy(name: str) -> str:
    return toolchain.REMEDIES[name]
