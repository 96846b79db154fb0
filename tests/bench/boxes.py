"""What a box costs: its start over a bare process, and grading the reference in it against `--sandbox none`.

    python tests/bench/boxes.py [--runs N] [-k EXPRESSION]

Kinds take turns, so that a drift of the machine's speed hits all alike. With -k only a part of the suite is graded; the
whole takes about a minute a run and kind.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine, row

from grader.judge import ROOT
from grader.sandbox import KINDS, Limits, open_sandbox, unavailable
from grader.sandbox.finish import run_to_end
from grader.sandbox.view import interpreter

STARTS = 25
BARE = "bare process"
LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=60, file_bytes=1 << 20, processes=1, scratch_bytes=1 << 20)
NOTHING = [interpreter(), "-I", "-S", "-c", ""]  # a Python that does nothing: what a worker begins with


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=3, help="grades of the reference with each kind (default: 3)")
    parser.add_argument("-k", dest="select", default="", help="what to grade (default: everything)")
    options = parser.parse_args()
    print(machine())
    kinds = []
    for kind in KINDS:
        if (why := unavailable(kind)) is None:
            kinds.append(kind)
        else:
            print(f"no {kind}: {why}")
    starts = _starts(kinds)
    for name, times in starts.items():
        row(f"start and end of a Python, {name}", "ms", [1e3 * t for t in times])
    for kind in kinds:
        over = 1e3 * (statistics.median(starts[kind]) - statistics.median(starts[BARE]))
        print(f"{f'{kind} over a bare process, medians':46} {over:8.3g} ms")
    grades = _grades(kinds, options.select, options.runs)
    what = f"grade reference -k {options.select!r}" if options.select else "grade reference"
    for kind in kinds:
        row(f"{what}, {kind}", "s", grades[kind])
    for kind in kinds[1:]:
        row(f"{kind} / none, pair by pair", "x", [a / b for a, b in zip(grades[kind], grades["none"], strict=True)])


def _starts(kinds: list[str]) -> dict[str, list[float]]:
    """Seconds from the start of each kind of box to its end, with a command that does nothing."""
    found: dict[str, list[float]] = {BARE: [], **{kind: [] for kind in kinds}}
    for _ in range(STARTS):
        for name, times in found.items():
            begin = time.perf_counter()
            if name == BARE:
                subprocess.run(NOTHING, check=True, env={}, capture_output=True)
            else:
                _box(name)
            times.append(time.perf_counter() - begin)
    return found


def _box(kind: str) -> None:
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as name:
        folder = Path(name)
        done = run_to_end(
            open_sandbox(kind),
            NOTHING,
            limits=LIMITS,
            wall_seconds=60,
            output_bytes=1000,
            cwd=folder,
            readable=[],
            writable=[],
            scratch=folder,
            env={},
        )
    assert done.status == 0, done.output


def _grades(kinds: list[str], select: str, runs: int) -> dict[str, list[float]]:
    """Seconds of whole commands, the same cases with the same inputs; a first one fills the build cache."""
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(runs + 1):
        for kind, times in found.items():
            with tempfile.TemporaryDirectory(prefix="grader-bench-") as out:
                command = [sys.executable, "-m", "grader", "grade", str(ROOT / "reference"), "--sandbox", kind]
                command += ["--seed", "1", "--out", out, *(["-k", select] if select else [])]
                begin = time.perf_counter()
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
                seconds = time.perf_counter() - begin
            assert done.returncode in (0, 1), done.stdout + done.stderr
            if number:
                times.append(seconds)
    return found


if __name__ == "__main__":
    main()
