"""Run one case on a tree in-process, printing what is asked and answered: the way from a message to its cause."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from grader.assignment import Assignment
from grader.errors import GraderError, UsageError
from grader.run import FAILED, NOTHING_COLLECTED, PASSED, ROOT, USAGE


def reproduce(assignment: Assignment, case: str, tree: Path, seed: int) -> int:
    """Run the case; returns 0 where it passes, 1 where it fails. Raises UsageError for an id that is none."""
    file, separator, _ = case.partition("::")
    if not separator or not (assignment.suite / file).is_file():
        raise UsageError(
            f"{case!r} is not the id of a case; expected one as a report gives it, such as "
            "'test_conv.py::test_op_conv_forward[cpu-...]'."
        )
    command = [sys.executable, "-m", "pytest", f"{assignment.suite}/{case}", "-c", str(ROOT / "pyproject.toml"), "-q", "-s"]
    command += ["-p", "no:cacheprovider", "--isolation", "none", "--show-calls", "--no-header", "--tb=short"]
    command += ["--tree", str(tree.resolve()), "--seed", str(seed)]
    device = case.partition("[")[2].partition("-")[0].rstrip("]")
    if device in assignment.devices.known:
        command += ["--device", device]
    status = subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False).returncode
    if status in (USAGE, NOTHING_COLLECTED):
        raise UsageError(f"{assignment.name} has no case {case!r}; grade.json lists the ids of all cases.")
    if status < 0:
        print(f"\nThe process crashed with signal {-status}: the submission runs inside it here.")
        return 1
    if status not in (PASSED, FAILED):
        raise GraderError(f"pytest ended with status {status}")
    return status
