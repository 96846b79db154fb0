"""Make the modules of one tree: archives first, everything from the cache where it is there."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import platform
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from grader.assignment import Assignment
from grader.build_cache import BuildCache, cache_folder
from grader.compiling import PROJECT, Compiled, compile_job
from grader.devices import cuda_architectures, cuda_compiler
from grader.intake import StagedTree
from grader.reading.elf import check_module
from grader.recipe import Kind, Part, recipe, simulators_version
from grader.sandbox import Sandbox
from grader.sandbox.view import open_up
from grader.toolchain import version_text

_MOST_FINDINGS = 8  # of what a simulator does not support; a student mends one after the other


class Workshop:
    """Where the modules of one tree are made."""

    def __init__(self, staged: StagedTree, assignment: Assignment, sandbox: Sandbox) -> None:
        self.assignment = assignment
        self._staged = staged
        self._sandbox = sandbox
        self._cache = BuildCache.open(cache_folder())

    @property
    def has_cache(self) -> bool:
        """Whether what is compiled is kept for the next run."""
        return self._cache is not None

    def make(self, module: str, kind: Kind) -> Compiled:
        """The module in this kind of build. Raises GraderError where it is this machine that cannot compile."""
        plan = recipe(module, self._staged, self.assignment.layout, kind)
        if isinstance(plan, str):
            return Compiled(None, plan, lasting=False)
        linked = _runtime() if plan.module.job.simulated else {}
        if plan.companions is not None:
            beside = self._cached(plan.companions, {})
            if beside.module is None:
                return beside
            linked[plan.companions.job.product] = beside.module
        return _checked(plan.module, self._cached(plan.module, linked))

    def _cached(self, part: Part, linked: Mapping[str, bytes]) -> Compiled:
        """The part's outcome, from the cache where it is there. linked: objects and archives, by the files' names."""
        if self._cache is None:
            return self._compile(part, linked)
        key = _key(part, linked, self._sandbox.name)
        if found := self._cache.find(key):
            return found
        with self._cache.lock(key):
            if found := self._cache.find(key):  # another process compiled it while this one waited
                return found
            compiled = self._compile(part, linked)
            if compiled.lasting:
                with contextlib.suppress(OSError):  # the disk is full: this run has its module all the same
                    self._cache.keep(key, compiled)
            return compiled

    def _compile(self, part: Part, linked: Mapping[str, bytes]) -> Compiled:
        files = part.files
        if part.job.simulated:
            from grader import cudasim  # not at the top: of a student's commands few need it

            try:
                files = cudasim.translate(files)
            except cudasim.Unsupported as error:
                return Compiled(None, _findings(str(error)), lasting=True)
        # A copy of just these files, read-only in effect: what a compiler could include besides is not in the key.
        with tempfile.TemporaryDirectory(prefix="grader-sources-") as folder:
            view = Path(folder).resolve()
            for path, data in files.items():
                (view / path).parent.mkdir(parents=True, exist_ok=True)
                (view / path).write_bytes(data)
            open_up(view)
            return compile_job(part.job, view, linked, self._sandbox, self.assignment.limits)


def _checked(part: Part, compiled: Compiled) -> Compiled:
    """The same, unless it is a module that links or imports what it may not.

    Looked at each time, also when it comes from the cache: it takes 1 ms, and a cache may be older than a rule.
    """
    if compiled.module is None:
        return compiled
    job = part.job
    found = check_module(compiled.module, cuda=job.cuda, simulated=job.simulated, compiler=job.toolchain.cxx)
    return Compiled(None, f"the module compiled from {job.shown} {found.refused}", True) if found.refused else compiled


def _runtime() -> dict[str, bytes]:
    """What a simulated module is linked with. Raises GraderError where it does not compile: no tree is at fault."""
    from grader.cudasim import runtime

    with tempfile.TemporaryDirectory(prefix="grader-runtime-") as folder:
        return {path.name: path.read_bytes() for path in runtime.objects(Path(folder))}


def _findings(text: str) -> str:
    """What the translation cannot do, a line each: one in the sentence, several below it."""
    lines = text.splitlines()
    more = [f"... and {len(lines) - _MOST_FINDINGS} more"] if len(lines) > _MOST_FINDINGS else []
    return text if len(lines) == 1 else "".join(f"\n  {line}" for line in lines[:_MOST_FINDINGS] + more)


def _key(part: Part, linked: Mapping[str, bytes], box: str) -> str:
    """Names everything that decides how the part comes out."""
    job = part.job
    facts = {
        "job": asdict(job),
        # What a source can include: without a box, the solution by its path. Kept from a run without one, such a module
        # was taken from the cache in a run under bubblewrap, and earned the points there.
        "box": box,
        "project": _digest(PROJECT.joinpath("CMakeLists.txt").read_bytes()),
        "sources": {path: _digest(data) for path, data in sorted(part.files.items())},
        "linked": {name: _digest(data) for name, data in sorted(linked.items())},
        "system": [platform.system(), platform.machine(), *platform.libc_ver(), sys.version],
        "cpu": _cpu() if job.native else "",
        "cuda": [version_text(cuda_compiler() or ""), cuda_architectures()] if job.cuda else [],
        "simulator": simulators_version() if job.simulated else "",
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


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
