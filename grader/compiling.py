"""Compile source files of a tree to a Python extension module, or to an archive for one, in a box."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader import compiler_errors
from grader.assignment import CaseLimits
from grader.devices import cuda_architectures, cuda_compiler, is_cuda
from grader.errors import GraderError
from grader.sandbox import Limits, Sandbox
from grader.sandbox.base import signal_name
from grader.sandbox.finish import Finished, run_to_end
from grader.sandbox.view import build_tools, open_up
from grader.toolchain import Toolchain, needed, tool

PROJECT = Path(__file__).parent / "native"  # the harness's own cmake project
ARCHIVE = ".a"
_CONFIGURE_SECONDS = 120  # of wall time; it takes 0.5 s, and nothing of the tree is read meanwhile
_MAX_MODULE = 64 << 20  # bytes; needle's are under 1 MiB
_MAX_FILE = 512 << 20  # bytes of any file of a build; nvcc's largest are some 10 MiB
_MAX_WRITTEN = 1 << 30  # bytes of all of them together
_PROCESSES = 64  # at a time: cmake, ninja, a shell, nvcc and the six programs that it starts
_LITTLE_SPACE = 32 << 20  # bytes: with less a compiler may fail. A tree can print the words, so they are not enough
_MAX_OUTPUT = 1 << 20  # bytes of compiler output that are kept: the first errors are at its beginning


@dataclass(frozen=True)
class Job:
    """Something to be compiled: a module, or an archive of objects that modules are linked with."""

    product: str  # the file that comes out: "ndarray_backend_cpu.cpython-311-x86_64-linux-gnu.so", "companions.a"
    sources: tuple[str, ...]  # relative to the tree, with "/"
    native: bool  # for this very machine
    toolchain: Toolchain
    options: tuple[str, ...] = ()  # of the C++ compiler, after ours
    headers: tuple[str, ...] = ()  # folders of ours that the sources include from
    simulated: bool = False  # .cu files are translated ones, which the C++ compiler takes
    debugged: str = ""  # where a debugger finds the tree; "" where none will look
    words: str = ""  # what a message adds to a source's name: " for cuda-sim"

    @property
    def cuda(self) -> bool:
        """Whether the CUDA compiler is needed."""
        return not self.simulated and any(map(is_cuda, self.sources))

    @property
    def shown(self) -> str:
        """What messages call the sources."""
        more = len(self.sources) - 1
        return f"{self.sources[0]} (and {more} more)" if more else self.sources[0]

    @property
    def archive(self) -> bool:
        """Whether an archive is to come out, and not a module."""
        return self.product.endswith(ARCHIVE)


@dataclass(frozen=True)
class Compiled:
    """What came of a job: a file, or a sentence why there is none."""

    module: bytes | None  # the file's content
    why: str  # "src/a.cc does not compile:\n  src/a.cc:1:2: error: ..."; "" with a module
    lasting: bool  # the same sources would give the same again: not so after a time-out or a kill
    machine: bool = False  # it is this machine that lacks something: no tree is at fault


def compile_job(job: Job, tree: Path, linked: Mapping[str, bytes], sandbox: Sandbox, limits: CaseLimits) -> Compiled:
    """Compile `job` from the native sources under `tree`, to which nothing is written.

    linked: objects and archives that it is linked with: a file's name -> its content. Raises GraderError where the
    compiler itself does not work: no tree is at fault then.
    """
    with tempfile.TemporaryDirectory(prefix="grader-build-", ignore_cleanup_errors=True) as name:
        place = _Place.make(Path(name).resolve())
        parts = [place.linked / file for file in linked]
        for part in parts:
            part.write_bytes(linked[part.name])
        open_up(place.linked)
        patient = replace(limits, build_seconds=_CONFIGURE_SECONDS)
        configured = _run(_configure(job, tree, place, parts), job, tree, place, sandbox, patient)
        if configured.status != 0:
            return _not_configured(job, configured)
        command = [needed("cmake", tool("cmake")), "--build", str(place.made / "build"), "--", "-j1"]
        built = _run(command, job, tree, place, sandbox, limits)
        if built.status != 0:
            return _not_built(job, built, tree, limits)
        return _harvest(job, place.made / "out" / job.product)


@dataclass(frozen=True)
class _Place:
    """The folders of one build."""

    linked: Path  # what it is linked with; the build cannot change it
    made: Path  # all that it may write and that is there afterwards: cmake's files in build/, the product in out/
    scratch: Path  # the compiler's temporary files

    @classmethod
    def make(cls, folder: Path) -> _Place:
        place = cls(folder / "linked", folder / "made", folder / "scratch")
        for path in (place.linked, place.made, place.made / "out", place.scratch):
            path.mkdir()
        return place


def _configure(job: Job, tree: Path, place: _Place, linked: Sequence[Path]) -> list[str]:
    tools = job.toolchain
    variables = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_CXX_COMPILER": tools.cxx,
        "CMAKE_MAKE_PROGRAM": needed("ninja", tool("ninja")),
        "HARNESS_KIND": "STATIC" if job.archive else "MODULE",
        "HARNESS_NAME": job.product,
        "HARNESS_TREE": str(tree),
        "HARNESS_SOURCES": ";".join(job.sources),
        "HARNESS_LINKED": ";".join(map(str, linked)),
        "HARNESS_INCLUDES": ";".join([tools.python_headers, tools.pybind11_headers, *job.headers]),
        "HARNESS_OPTIONS": shlex.join(job.options),
        "HARNESS_DEBUGGED": job.debugged,
        "HARNESS_OUTPUT": str(place.made / "out"),
        "HARNESS_NATIVE": "ON" if job.native else "OFF",
        "HARNESS_LANGUAGE": "CUDA" if job.cuda else "CXX",
    }
    if job.cuda:
        variables["CMAKE_CUDA_COMPILER"] = cuda_compiler() or ""
        variables["CMAKE_CUDA_HOST_COMPILER"] = tools.cxx
        variables["CMAKE_CUDA_ARCHITECTURES"] = ";".join(cuda_architectures())
    cmake = needed("cmake", tool("cmake"))
    settings = [f"-D{key}={value}" for key, value in variables.items()]
    return [cmake, "-S", str(PROJECT), "-B", str(place.made / "build"), "-G", "Ninja", *settings]


def _run(command: Sequence[str], job: Job, tree: Path, place: _Place, sandbox: Sandbox, limits: CaseLimits) -> Finished:
    tools = job.toolchain
    programs = [Path(command[0]), Path(needed("ninja", tool("ninja"))), Path(tools.cxx)]
    programs += [Path(nvcc) for nvcc in [cuda_compiler()] if job.cuda and nvcc]
    folders = dict.fromkeys(str(program.parent) for program in programs[2:])
    compilers = [str(program) for program in programs[2:]]
    return run_to_end(
        sandbox,
        command,
        limits=Limits(
            memory_bytes=limits.build_memory_mib << 20,
            cpu_seconds=int(limits.build_seconds) + 1,
            file_bytes=_MAX_FILE,
            processes=_PROCESSES,
            scratch_bytes=_MAX_FILE,
        ),
        wall_seconds=limits.build_seconds,
        output_bytes=_MAX_OUTPUT,
        written_bytes=_MAX_WRITTEN,
        cwd=place.made,
        readable=[
            tree,
            place.linked,
            PROJECT,
            *map(Path, (tools.python_headers, tools.pybind11_headers, *job.headers)),
            *_installed(programs[:2]),
            *build_tools(compilers),
        ],
        writable=[place.made],
        scratch=place.scratch,
        env={
            "PATH": os.pathsep.join(dict.fromkeys([*folders, "/usr/bin", "/bin"])),
            "HOME": str(place.scratch),
            "TMPDIR": str(place.scratch),
            "LC_ALL": "C",  # errors in English, and with ASCII quotes: the same on every machine
        },
    )


def _installed(programs: Sequence[Path]) -> list[Path]:
    """cmake and ninja, and what they have beside them: PyPI's cmake reads share/ and needs nothing else of its package.

    A distribution's lie in /usr/bin, which the build is shown anyway.
    """
    shares = [program.parents[1] / "share" for program in programs if program.parents[1] != Path("/usr")]
    return [*programs, *(share for share in shares if share.is_dir())]


def _not_configured(job: Job, done: Finished) -> Compiled:
    """Nothing of the tree is read while cmake configures, so that a failure there is the machine's."""
    told = compiler_errors.last_lines(done.output)
    if job.cuda:
        why = f"{job.shown} was not compiled, because the CUDA compiler does not work:\n{told}"
        return Compiled(None, why, lasting=False, machine=True)
    raise GraderError(f"The C++ compiler {job.toolchain.cxx} or cmake does not work here:\n{told}")


def _not_built(job: Job, done: Finished, tree: Path, limits: CaseLimits) -> Compiled:
    source = f"{job.shown}{job.words}"
    if done.too_much_written:
        return Compiled(None, f"compiling {source} was stopped: it wrote more than {_MAX_WRITTEN >> 20} MiB", False)
    if done.status is None:
        return Compiled(None, f"compiling {source} was stopped after {limits.build_seconds:g} s", False)
    if "No space left on device" in done.output and shutil.disk_usage(tree).free < _LITTLE_SPACE:
        raise GraderError(f"The disk of {tree.parent} is full, so nothing can be compiled; free some space.")
    if done.out_of_memory or compiler_errors.out_of_memory(done.output):
        return Compiled(None, f"compiling {source} needed more than {limits.build_memory_mib} MiB of memory", False)
    if done.status < 0:
        return Compiled(None, f"compiling {source} ended with {signal_name(-done.status)}", False)
    lines = compiler_errors.first_errors(done.output, tree, job.toolchain)
    return Compiled(
        None, f"{job.shown} does not compile{job.words}:\n{lines}", not compiler_errors.was_killed(done.output)
    )


def _harvest(job: Job, file: Path) -> Compiled:
    """The module's bytes, if the build really left a regular file of sane size: it may have run a tree's code."""
    try:
        # Not through a link in the folder's place either: it could lead to the module of another tree.
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            descriptor = os.open(file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        return Compiled(None, f"compiling {job.shown} left no module ({error.strerror})", False)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return Compiled(None, f"compiling {job.shown} left something that is not a regular file", False)
    with open(descriptor, "rb") as stream:
        data = stream.read(_MAX_MODULE + 1)
    if len(data) > _MAX_MODULE:
        size = f"larger than {_MAX_MODULE >> 20} MiB"
        return Compiled(None, f"the module compiled from {job.shown} is {size}", True)
    return Compiled(data, "", True)
