"""What a module is made of: its source and companions; for a simulated device, what stands in for CUDA as well."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.assignment import TreeLayout
from grader.compiling import ARCHIVE, Job
from grader.intake import StagedTree
from grader.toolchain import Toolchain

# What a compiler may read of a tree: these, and everything in the folders of the modules' sources. It sees nothing
# else, so that the key of the cache, which is made of the same files, cannot miss one.
_NATIVE = {".c", ".cc", ".cpp", ".cxx", ".cu", ".h", ".hh", ".hpp", ".hxx", ".cuh", ".inc", ".inl", ".ipp", ".tpp"}
_SIMULATOR = Path(__file__).parent / "cudasim"
_MOST_SOURCE = 1 << 20  # bytes of a source that is looked into; a backend has 50 KB


@dataclass(frozen=True)
class Part:
    """A job with the files that its compiler may read."""

    job: Job
    files: Mapping[str, bytes]  # path in the tree -> content, untranslated


@dataclass(frozen=True)
class Recipe:
    """How a module is made: the companions first, then the module, which is linked with them."""

    module: Part
    companions: Part | None


@dataclass(frozen=True)
class Kind:
    """Which build of a module is meant."""

    native: bool  # for this very machine
    toolchain: Toolchain
    simulator: str = ""  # the device that runs the module's CUDA on the CPU; "" for the module as it is
    checks: tuple[str, ...] = ()  # of --check, for a simulator
    debugged: str = ""  # for a simulator: where a debugger finds the tree; "" for a build that is to be fast


def recipe(module: str, staged: StagedTree, layout: TreeLayout, kind: Kind) -> Recipe | str:
    """How `module` is made of that tree; or a sentence why it cannot be."""
    source = layout.modules[module]
    if not (staged.root / source).is_file():
        return f"{source} is not there, from which {module} is compiled"
    listed = layout.companions.get(module, ())
    companions = tuple(path for path in listed if (staged.root / path).is_file())
    if listed:
        content = (staged.root / source).read_bytes()
        if len(content) > _MOST_SOURCE:
            return f"{source} has {len(content)} bytes, and a source may have at most {_MOST_SOURCE}"
        if _defines_module(source, content):  # a tree of another edition: its source holds what companions hold in ours
            companions = ()
        elif not companions:
            return f"{listed[0]} is not there, and {source} has no PYBIND11_MODULE of its own"
    job = Job(module.rpartition(".")[2] + kind.toolchain.suffix, (source,), kind.native, kind.toolchain)
    main = Part(_simulated(job, kind), _native_files((source,), staged, layout))
    if not companions:
        return Recipe(main, None)
    beside = replace(job, product=f"companions{ARCHIVE}", sources=companions)
    return Recipe(main, Part(_simulated(beside, kind), _native_files(companions, staged, layout)))


def _defines_module(path: str, content: bytes) -> bool:
    """Whether there is a Python module in the code, and not only in comments and strings."""
    from grader.cudasim.tokens import read  # not at the top: of a student's commands few need it

    words = (token.text for token in read(path, content.decode("latin-1")).tokens if token.kind == "word")
    return any(word == "PYBIND11_MODULE" or word.startswith("PyInit_") for word in words)


def _simulated(job: Job, kind: Kind) -> Job:
    """The job for the simulator, where it has CUDA; what is plain C++ is compiled once for both."""
    if not kind.simulator or not job.cuda:
        return job
    from grader.cudasim import flags  # not at the top: of a student's commands few need it

    # -UNDEBUG: a failing assert is what somebody who simulates wants to see.
    options = (*flags.options(bool(kind.checks)), "-UNDEBUG", *(("-g", "-O0") if kind.debugged else ()))
    return replace(
        job,
        simulated=True,
        options=options,
        headers=(str(flags.INCLUDE),),
        debugged=kind.debugged,
        words=f" for {kind.simulator}",
    )


def _native_files(own: Sequence[str], staged: StagedTree, layout: TreeLayout) -> dict[str, bytes]:
    """The files that the compiler of the sources `own` may read: path in the tree -> content.

    Not the other sources and companions: a change of one must not compile them all.
    """
    sources = set(layout.modules.values()) | {path for paths in layout.companions.values() for path in paths}
    folders = {folder for source in sources if (folder := source.rpartition("/")[0])}
    wanted = [
        path
        for path in staged.files
        if path not in sources - set(own)
        and (Path(path).suffix in _NATIVE or any(path.startswith(f"{folder}/") for folder in folders))
    ]
    return {path: (staged.root / path).read_bytes() for path in wanted}


@functools.cache
def simulators_version() -> str:
    """A hash over all that translates and runs CUDA on the CPU: with another one, what was simulated is made anew."""
    total = hashlib.sha256()
    for path in sorted(path for path in _SIMULATOR.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(_SIMULATOR).as_posix()}\0{digest}\n".encode())
    return total.hexdigest()
