"""Compile a tree's native modules with the harness's own project and flags."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import platform
import sys
import sysconfig
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from grader import devices, intake
from grader.assignment import Assignment
from grader.build_cache import BuildCache, cache_folder
from grader.compiling import PROJECT, Compiled, Job, compile_module
from grader.devices import cuda_architectures, cuda_compiler, is_cuda
from grader.errors import GraderError
from grader.intake import StagedTree
from grader.sandbox import Sandbox
from grader.toolchain import find_toolchain, version_text

# What a compiler may read of a tree: these, and everything in the folders of the modules' sources. It sees nothing
# else, so that the key of the cache, which is made of the same files, cannot miss one.
_NATIVE = {".c", ".cc", ".cpp", ".cxx", ".cu", ".h", ".hh", ".hpp", ".hxx", ".cuh", ".inc", ".inl", ".ipp", ".tpp"}


@dataclass(frozen=True)
class BuiltTree:
    """A tree that is ready to be measured, or the reason why it cannot be."""

    name: str  # how reports call it: the folder's or archive's name
    root: Path  # the staged tree; nothing is written to it after the build
    modules: Mapping[str, str]  # compiled module, fully qualified -> its file; "" where it is not built
    fault: str | None  # why nothing of the tree can be graded, in words with the compiler's first errors
    notes: tuple[str, ...] = ()  # for the report: what was left out, and why a module is not built
    identity: str = ""  # sha256 over the staged files, the same wherever they come from

    @property
    def folders(self) -> list[Path]:
        """The folders of the compiled modules, which a box must show to a worker."""
        return sorted({Path(file).parent for file in self.modules.values() if file})

    def to_json(self) -> str:
        """The tree as JSON text, for another process on this machine."""
        return json.dumps({**asdict(self), "root": str(self.root), "modules": dict(self.modules)})

    @classmethod
    def from_json(cls, text: str) -> BuiltTree:
        """The tree that `to_json` wrote. Raises GraderError where the text is something else."""
        try:
            data = json.loads(text)
            return cls(**{**data, "root": Path(data["root"]), "notes": tuple(data["notes"])})
        except (ValueError, KeyError, TypeError) as error:
            raise GraderError(f"the description of a prepared tree cannot be read: {error!r}.") from None


def prepare(
    source: Path,
    assignment: Assignment,
    sandbox: Sandbox,
    workspace: Path,
    name: str | None = None,
    *,
    native: bool = True,
    for_devices: Collection[str] | None = None,
) -> BuiltTree:
    """Stage `source` (a folder or an archive) in a new folder under `workspace`, and compile it; see `build`.

    name: how reports call it; by default what `intake.report_names` makes of `source`. Raises UsageError where
    `source` is not there or no archive, GraderError where this machine cannot compile.
    """
    name = name or intake.report_names([source])[0]
    workspace.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=workspace)).resolve()
    home.chmod(0o755)  # mkdtemp's 0700 would shut out a worker that runs as another user
    staged = intake.stage(source, assignment, home / "tree")
    return build(staged, assignment, sandbox, home / "native", native=native, name=name, for_devices=for_devices)


def build(
    staged: StagedTree,
    assignment: Assignment,
    sandbox: Sandbox,
    output: Path,
    *,
    native: bool = True,
    name: str | None = None,
    for_devices: Collection[str] | None = None,
) -> BuiltTree:
    """Compile every module of the assignment's layout into the folder `output`.

    native: use every instruction of this machine. for_devices: compile what these devices need; by default those that
    this machine has. A module compiled from CUDA that fails costs a note, any other one is the tree's fault.
    """
    name = name or staged.name
    modules = dict.fromkeys(assignment.layout.modules, "")
    notes = list(staged.notes)
    if staged.fault is not None:
        return BuiltTree(name, staged.root, modules, staged.fault, tuple(notes), staged.identity)
    cache = BuildCache.open(cache_folder())
    if cache is None:
        notes.append(
            f"the build cache {cache_folder()} cannot be written to, so every run compiles anew; "
            "let GRADER_CACHE name another folder"
        )
    fault = None
    for module, source in assignment.layout.modules.items():
        why = _reason_to_skip(module, source, assignment, for_devices)
        if why is None:
            compiled = _compiled(Job(module, source, native, find_toolchain()), staged, assignment, sandbox, cache)
            why = compiled.why
            if compiled.module is not None:
                modules[module] = str(_write(output, module, compiled.module))
                continue
        if is_cuda(source):
            notes.append(f"{module.rpartition('.')[2]} is not built: {why}")
        else:
            fault = why
            break
    return BuiltTree(name, staged.root, modules, fault, tuple(notes), staged.identity)


def _reason_to_skip(
    module: str, source: str, assignment: Assignment, for_devices: Collection[str] | None
) -> str | None:
    """Why a module is not even tried; None where it is. CUDA takes 20 s to compile: not for a GPU that is not there."""
    if not is_cuda(source):
        return None
    users = [device for device, needed in assignment.devices.needs.items() if needed == module]
    if for_devices is not None:
        if not set(users) & set(for_devices):
            return f"no device that needs it is graded ({', '.join(users)})"
        return None if cuda_compiler() else "no CUDA compiler: nvcc is not on PATH"
    reasons = [reason for device in users if (reason := devices.present(assignment, device))]
    return reasons[0] if users and len(reasons) == len(users) else None


def _compiled(
    job: Job, staged: StagedTree, assignment: Assignment, sandbox: Sandbox, cache: BuildCache | None
) -> Compiled:
    """The job's outcome, from the cache where it is there."""
    if not (staged.root / job.source).is_file():
        return Compiled(None, f"{job.source} is not there, from which {job.module} is compiled", True)
    sources = _native_files(job, staged, assignment)

    def compile_now() -> Compiled:
        # A copy of just these files, read-only in effect: what a compiler could include besides is not in the key.
        with tempfile.TemporaryDirectory(prefix="grader-sources-") as folder:
            view = Path(folder).resolve()
            for path, data in sources.items():
                (view / path).parent.mkdir(parents=True, exist_ok=True)
                (view / path).write_bytes(data)
            return compile_module(job, view, sandbox, assignment.limits)

    if cache is None:
        return compile_now()
    key = _key(job, sources)
    if found := cache.find(key):
        return found
    with cache.lock(key):
        if found := cache.find(key):  # another process compiled it while this one waited
            return found
        compiled = compile_now()
        if compiled.lasting:
            with contextlib.suppress(OSError):  # the disk is full: this run has its module all the same
                cache.keep(key, compiled)
        return compiled


def _native_files(job: Job, staged: StagedTree, assignment: Assignment) -> dict[str, bytes]:
    """The files that a compiler may read: path in the tree -> content.

    Not the sources of the other modules: a change of one must not compile them all.
    """
    sources = set(assignment.layout.modules.values())
    folders = {folder for source in sources if (folder := source.rpartition("/")[0])}
    wanted = [
        path
        for path in staged.files
        if path not in sources - {job.source}
        and (Path(path).suffix in _NATIVE or any(path.startswith(f"{folder}/") for folder in folders))
    ]
    return {path: (staged.root / path).read_bytes() for path in wanted}


def _key(job: Job, sources: Mapping[str, bytes]) -> str:
    """Names everything that decides how the module comes out."""
    facts = {
        "job": asdict(job),
        "project": _digest(PROJECT.joinpath("CMakeLists.txt").read_bytes()),
        "sources": {path: _digest(data) for path, data in sorted(sources.items())},
        "system": [platform.system(), platform.machine(), *platform.libc_ver(), sys.version],
        "cpu": _cpu() if job.native else "",
        "cuda": [version_text(cuda_compiler() or ""), cuda_architectures()] if job.cuda else [],
    }
    return _digest(json.dumps(facts, sort_keys=True).encode())


@functools.cache
def _cpu() -> str:
    """What the instructions of this machine hang on: two machines may share a cache on a network disk."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:  # no /proc (macOS)
        return platform.processor()
    telling = ("model name", "flags", "Features", "CPU part")  # the last two on ARM
    return "\n".join(line for line in first.splitlines() if line.split("\t")[0] in telling)


def _write(folder: Path, module: str, data: bytes) -> Path:
    """A file of this tree's own: neither `make clean` nor another tree can change what a worker loads."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (module.rpartition(".")[2] + str(sysconfig.get_config_var("EXT_SUFFIX")))
    file.write_bytes(data)
    return file


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
