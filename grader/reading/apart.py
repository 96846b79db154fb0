"""Reading a tree in a process of its own.

A file can be made to crash Python's parser (nesting overflowed its C stack up to 3.10) or to stall it (its grammar
backtracks exponentially over some errors). That must end neither the grading nor the reading of the other files, so the
process is expected to die: whoever finds it dead flags the file that it was reading, and goes on behind it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.reading.flag import Flag, tidy
from grader.reading.settings import Settings
from grader.reading.tree import UNREAD, chosen, read_files, unread_programs

FILE_SECONDS = 1.0  # of CPU time; the slowest file of the reference takes 0.05
MEMORY = 1 << 30  # bytes of address space; the reference takes under 100 MiB
WALL_SECONDS = 20.0  # of one process: a busy machine must not lose a flag
MOST_STARTS = 3  # of processes: two files may end one
_ROOT = Path(__file__).resolve().parents[2]
_START = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from grader.reading import apart; apart.serve()"
_READY = b"ready\n"


def read_tree(root: Path, files: Sequence[str], native: Sequence[str], settings: Settings) -> tuple[Flag, ...]:
    """What is worth a look in a staged tree. files: what is in it; native: its compiled modules' sources.

    Takes 0.3 s for the reference, and of a tree made to stall it FILE_SECONDS for each of MOST_STARTS files. Raises
    GraderError where no process can be started.
    """
    left, programs = chosen(files, native, settings), unread_programs(files, settings)
    flags: list[Flag] = []
    for _ in range(MOST_STARTS):
        if not left:
            return tidy(flags)
        done, found = _read(root, left, programs, settings)
        flags += found
        if done < len(left):
            flags.append(Flag(left[done], 0, "is not read: Python's parser crashed, or took too long", UNREAD))
        left = left[done + 1 :]
    flags += [Flag(path, 0, "is not read: files before it took too long", UNREAD) for path in left]
    return tidy(flags)


def serve() -> None:
    """In the child: read what standard input asks for, and tell of each file on a line of its own."""
    import resource

    if sys.platform != "darwin":  # which refuses any limit below what it has mapped already, some 400 GiB
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked = json.load(sys.stdin)
    sys.stdout.buffer.write(_READY)
    sys.stdout.buffer.flush()  # the first file may be the one that ends this process
    settings, programs = Settings.from_json(asked["settings"]), frozenset(asked["programs"])
    # Its default is to end the process, in the middle of the parser too, where no Python code would run.
    signal.setitimer(signal.ITIMER_VIRTUAL, FILE_SECONDS)
    for _, flags in read_files(Path(asked["root"]), asked["paths"], programs, settings):
        signal.setitimer(signal.ITIMER_VIRTUAL, FILE_SECONDS)
        rows = [[flag.file, flag.line, flag.what, flag.why] for flag in flags]
        sys.stdout.buffer.write(json.dumps(rows).encode() + b"\n")  # ASCII: a lone surrogate goes through, too
        sys.stdout.buffer.flush()


def _read(root: Path, paths: list[str], programs: frozenset[str], settings: Settings) -> tuple[int, list[Flag]]:
    """How many of the files a process came to read, and what it found in them."""
    asked: dict[str, Any] = {
        "root": str(root),
        "paths": paths,
        "programs": sorted(programs),
        "settings": settings.to_json(),
    }
    # -I -S: nothing of the caller's environment or folder, and 30 ms less; it needs the standard library alone.
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        output, errors = process.communicate(json.dumps(asked).encode(), timeout=WALL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
    except BaseException:
        process.kill()
        process.communicate()
        raise
    lines = output.splitlines(keepends=True)
    if lines[:1] != [_READY]:
        told = errors.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"status {process.returncode}"]
        raise GraderError(f"The process that reads submissions' code does not start: {told[0][:300]}.")
    whole = [line for line in lines[1:] if line.endswith(b"\n")]
    return len(whole), [Flag(*row) for line in whole for row in json.loads(line)]
