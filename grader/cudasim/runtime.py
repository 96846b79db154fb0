"""The runtime of cuda-sim as objects to link with: compiled once a machine, since it does not depend on what is run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from grader.build_cache import BuildCache, cache_folder
from grader.compiling import Compiled
from grader.cudasim import flags
from grader.errors import GraderError
from grader.toolchain import cxx_compiler, needed, version_text


def objects(folder: Path, *more: Path) -> list[Path]:
    """Every source of the runtime as an object file in `folder`, position independent, for programs and modules.

    more: further sources of ours to compile in the same way.
    A file comes from the build cache (GRADER_CACHE) unless it, a header or the compiler has changed since. Raises
    GraderError where there is no compiler or the runtime does not compile.
    """
    cxx = needed("C++ compiler", cxx_compiler())
    cache = BuildCache.open(cache_folder())
    headers = sorted([*flags.INCLUDE.rglob("*"), *(path for path in _folder().rglob("*") if path.suffix != ".cc")])
    shared = [cxx, version_text(cxx), _digest(header for header in headers if header.is_file())]
    made = []
    for source in [*flags.RUNTIME, *more]:
        command = [cxx, *flags.runtime_options(), "-c", str(source)]
        key = hashlib.sha256(json.dumps([shared, command, _digest([source])]).encode()).hexdigest()
        target = folder / f"runtime-{source.stem}.o"
        target.write_bytes(_compiled(command, target, key, cache))
        made.append(target)
    return made


def _compiled(command: list[str], target: Path, key: str, cache: BuildCache | None) -> bytes:
    with cache.lock(key) if cache is not None else contextlib.nullcontext():
        if cache is not None and (found := cache.find(key)) is not None and found.module is not None:
            return found.module
        english = {**os.environ, "LC_ALL": "C"}  # errors with ASCII quotes, whatever the user's language
        done = subprocess.run(
            [*command, "-o", str(target)], stdin=subprocess.DEVNULL, capture_output=True, env=english, check=False
        )
        if done.returncode != 0:
            told = done.stderr.decode("utf-8", "replace").strip()
            raise GraderError(f"the runtime of cuda-sim does not compile with {command[0]}:\n{told}")
        content = target.read_bytes()
        if cache is not None:
            with contextlib.suppress(OSError):  # a full disk: it is compiled anew next time
                cache.keep(key, Compiled(content, "", True))
        return content


def _folder() -> Path:
    return flags.INCLUDE.parent / "src"


def _digest(paths: Iterator[Path] | list[Path]) -> str:
    """Of names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
