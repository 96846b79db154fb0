"""What isolation costs: `make bench` prints medians, with the machine, the versions and the commit.

    python tests/bench/harness.py [--runs N]

The isolated suite and the in-process suite run in turn, so that a drift of the machine's speed hits both alike.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import machine, row

from grader.assignment import Assignment, load_assignment
from grader.build import BuiltTree, prepare
from grader.judge import ROOT
from grader.run import RunOptions, measure
from grader.sandbox import open_sandbox
from grader.subject.client import IsolatedSubject
from grader.verdict import Verdict

CALLS = 2000
STARTS = 10


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=3, help="runs of the whole suite, of each kind (default: 3)")
    runs = parser.parse_args().runs
    assignment = load_assignment(ROOT / "tests" / "hw4")
    print(machine())
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as workspace:
        tree = prepare(ROOT / "reference", assignment, open_sandbox("none"), Path(workspace))
        assert tree.fault is None, tree.fault
        row("isolated call, warm, small arrays", "ms", [1e3 * t for t in _calls(assignment, tree)])
        row("worker start, needle imported", "ms", [1e3 * t for t in _starts(assignment, tree)])
        isolated, in_process = [], []
        for _ in range(runs):
            isolated.append(_timed(lambda: _suite(assignment, tree, "worker")))
            in_process.append(_timed(lambda: _suite(assignment, tree, "none")))
        row("suite on the reference, isolated", "s", isolated)
        row("suite on the reference, --isolation=none", "s", in_process)
        row("isolated / none, pair by pair", "x", [a / b for a, b in zip(isolated, in_process, strict=True)])
    row("grade reference, build included, cold cache", "s", [_timed(_cold_grade)])


def _calls(assignment: Assignment, tree: BuiltTree) -> list[float]:
    """Seconds of each of many warm calls of a small op."""
    sys.path.insert(0, str(assignment.suite))
    from probes import bench

    subject = IsolatedSubject(assignment, tree, open_sandbox("none"), gpu=False)
    a = np.ones((4, 4), np.float32)
    try:
        subject.ask(bench.nothing, "cpu", [a], {})
        return [_timed(lambda: subject.ask(bench.nothing, "cpu", [a], {})) for _ in range(CALLS)]
    finally:
        subject.close()


def _starts(assignment: Assignment, tree: BuiltTree) -> list[float]:
    """Seconds from a killed worker to the first answer of the next."""
    from probes import bench

    subject = IsolatedSubject(assignment, tree, open_sandbox("none"), gpu=False)
    a = np.ones((4, 4), np.float32)
    times = []
    try:
        for _ in range(STARTS):
            subject.renew()
            times.append(_timed(lambda: subject.ask(bench.nothing, "cpu", [a], {})))
    finally:
        subject.close()
    return times


def _suite(assignment: Assignment, tree: BuiltTree, isolation: str) -> None:
    options = RunOptions(seed=1, devices=("cpu",), selection="", isolation=isolation, sandbox="none")
    results = measure(assignment, tree, options, lambda event: None).results
    assert all(result.verdict is Verdict.PASS for result in results), "the reference must pass before it is timed"


def _cold_grade() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "grader", "grade", "reference", "--out", folder]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "GRADER_CACHE": f"{folder}/cache"}, check=True, stdout=-3)


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
