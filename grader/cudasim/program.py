"""Run a CUDA program on the CPU: translate it and the headers beside it, compile, link with the runtime, start it."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from grader.checks import environment, refuse_unknown
from grader.cudasim import flags, runtime
from grader.cudasim.tokens import read
from grader.cudasim.translate import Unsupported, translate
from grader.errors import UsageError
from grader.toolchain import cxx_compiler, needed

_UNCAUGHT = Path(__file__).with_name("uncaught.cc")


def run(
    program: Path,
    arguments: Sequence[str] = (),
    *,
    checks: Collection[str] = (),
    seeds: int | None = None,
    executable: Path | None = None,
) -> int:
    """Run the program, a .cu file with a `main`, and return its exit status; 128 + n where signal n ended it.

    checks: "memory" and "race". seeds: how many orders of the threads the race check tries. executable: where to leave
    the program, compiled for a debugger. What the runtime finds, the program prints on stderr, with exit status 1.
    Raises UsageError where an option is wrong, or the program cannot be read, translated or compiled.
    """
    told = {**os.environ, **settings(checks, seeds)}
    with tempfile.TemporaryDirectory(prefix="cudasim-", ignore_cleanup_errors=True) as name:
        target = executable.absolute() if executable is not None else Path(name) / program.stem
        compile_program(program, target, checked=bool(checks), debug=executable is not None)
        try:
            status = subprocess.run([str(target), *arguments], env=told, check=False).returncode
        except KeyboardInterrupt:  # it had the signal, too
            return 130
    return status if status >= 0 else 128 - status


def settings(checks: Collection[str], seeds: int | None) -> dict[str, str]:
    """The variables of the environment that tell the runtime what to check."""
    refuse_unknown(checks)
    if seeds is not None and "race" not in checks:
        raise UsageError(
            "--seeds is the number of orders that --check race tries; without --check race it says nothing."
        )
    if seeds is not None and not 1 <= seeds <= 1000:
        raise UsageError(f"--seeds has value {seeds}; expected a number from 1 to 1000.")
    told = environment(checks)
    return told if seeds is None else {**told, "CUDASIM_SEEDS": str(seeds)}


def compile_program(program: Path, target: Path, *, checked: bool, debug: bool = False) -> None:
    """Compile a .cu file with a `main` to the executable `target`.

    checked: with the hooks that `--check` needs. debug: unoptimised, for gdb. Raises UsageError with all that cannot be
    translated, or with the compiler's errors; the lines are the program's own.
    """
    cxx = needed("C++ compiler", cxx_compiler())
    sources = gather(program)
    base = Path(os.path.commonpath([path.parent for path in sources]))
    shown = {path: _shown(path) for path in sources}
    try:
        translated = translate({shown[path]: content for path, content in sources.items()})
    except Unsupported as error:
        raise UsageError(f"{_shown(program)} cannot be run under cuda-sim:\n{error}") from None
    with tempfile.TemporaryDirectory(prefix="cudasim-", ignore_cleanup_errors=True) as name:
        tree = Path(name) / "tree"
        for path in sources:
            copy = tree / path.relative_to(base)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(translated[shown[path]])
        entry = tree / program.resolve().relative_to(base)
        # The runtime's messages and the debugger name the user's own files; so do the compiler's errors, further down.
        # No columns and no carets: they are those of the translation.
        options = [
            *flags.options(checked),
            "-g",
            *(["-O0"] if debug else []),
            f"-ffile-prefix-map={tree}={_shown(base)}",
        ]
        options += ["-w", "-fno-diagnostics-show-caret", "-fno-show-column"]
        done = _run([cxx, *options, "-c", str(entry), "-o", f"{name}/program.o"])
        if done.returncode != 0:
            told = done.stderr.decode("utf-8", "replace").replace(
                f"{tree}/", "" if _shown(base) == "." else f"{_shown(base)}/"
            )
            raise UsageError(f"{_shown(program)} does not compile:\n{told.strip()}")
        objects = [f"{name}/program.o", *map(str, runtime.objects(Path(name), _UNCAUGHT))]
        done = _run([cxx, *objects, "-o", f"{name}/program"])
        if done.returncode != 0:
            raise UsageError(f"{_shown(program)} cannot be linked:\n{done.stderr.decode('utf-8', 'replace').strip()}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(f"{name}/program", target)


def gather(program: Path) -> dict[Path, bytes]:
    """The program and every file that it includes by `#include "name"` from beside it, and so on; absolute paths."""
    if not program.is_file():
        raise UsageError(f"{program} is not there; expected a CUDA source with a main.")
    found: dict[Path, bytes] = {}
    waiting = [program.resolve()]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        try:
            found[path] = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
        tokens = read(str(path), found[path].decode("latin-1")).tokens
        for before, token in itertools.pairwise(tokens):
            if before.text == "include" and (match := re.fullmatch(r'\s*"([^"]+)"\s*', token.text)):
                header = Path(os.path.normpath(path.parent / match.group(1)))
                if header.is_file():
                    waiting.append(header)
    return found


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    english = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=english, check=False)


def _shown(path: Path) -> str:
    """A path as a person would write it: relative where it is below the current folder."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
