"""Run one case on a tree in-process, printing what is asked and answered: the way from a message to its cause."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from grader import devices
from grader.assignment import Assignment
from grader.build import prepare
from grader.checks import CHECKS
from grader.errors import GraderError, UsageError
from grader.judge import ROOT
from grader.report.failures import split_command
from grader.repro_script import handed
from grader.sandbox import open_sandbox
from grader.verdict import Verdict
from grader.visible import visible

PASSED, NOT_PASSED = 0, 1  # exit statuses of `grader repro`
STOPPED = 128 + signal.SIGINT  # a person ended it: Ctrl-C, or `q` in the debugger

_INTERRUPTED, _INTERNAL_ERROR = 2, 3  # pytest's exit statuses
_PRESSED, _WITHIN = 3, 3.0  # times Ctrl-C, within so many seconds, after which nobody is left to be asked politely


@dataclass
class _Run:
    """What a child process told of its case."""

    status: int = 0  # its exit status, or minus the signal's number
    found: bool = False  # whether there is a case of that id
    verdict: dict[str, Any] = field(default_factory=dict)  # the event; empty where it came to none
    fault: str = ""  # of ours
    stopped: bool = False  # whether a person has ended it from here


def reproduce(
    assignment: Assignment,
    case: str,
    tree: Path,
    seed: int,
    checks: Sequence[str] = (),
    *,
    script: str = "",
    out: Path = Path("out"),
) -> int:
    """Run the case; returns PASSED, NOT_PASSED or STOPPED. checks: what its device, if that simulates, watches for.

    It runs for as long as it takes, as somebody may be looking at it in a debugger. Of a case that does not pass it
    then prints a script that shows the same without the grader, and leaves it in the file `script`, or else in `out`,
    where grading leaves its reports. "-" leaves no file: the script alone goes to stdout, its data inside, and all else
    to stderr.

    Raises UsageError for an id that is none, a tree that is not there, a device that this machine lacks and a check of
    a device that does not simulate, GraderError where the suite is at fault.
    """
    file = case.partition("::")[0]
    if file == case or "/" in file or not (assignment.suite / file).is_file():
        raise UsageError(
            f"{case!r} is not the id of a case; expected one as a report gives it: the file, the test's name, and what "
            "stands in brackets, such as 'test_x.py::test_y[z]'."
        )
    device = _device(assignment, case)
    devices.check_choice(assignment, device, checks)
    say = sys.stderr if script == "-" else sys.stdout
    print(f"{case} on {visible(str(tree))}, seed {seed}", file=say)
    print("No time limit; Ctrl-C stops it, three times where it is stuck in C++.", file=say, flush=True)
    with tempfile.TemporaryDirectory(prefix="grader-repro-") as folder:
        built = prepare(
            tree, assignment, open_sandbox("none"), Path(folder), for_devices=device, checks=checks, debug=True
        )
        if built.fault is not None:
            print(f"\nerror: {built.fault}", file=say)
            return NOT_PASSED
        prepared = Path(folder, "tree.json")
        prepared.write_text(built.to_json(), encoding="utf-8")
        command = _command(assignment, case, prepared, seed)
        command += [word for name in device for word in ("--device", name)]
        command += [word for check in checks for word in ("--check", check)]
        draft = Path(folder, "repro.py")
        target = handed.place(case, tree, script, out)
        command += ["--script", str(draft), f"--script-tree={tree.resolve()}"]
        command += [f"--script-file={target}"] if target is not None else []
        run = _run(command, assignment.layout.env, say)
        if draft.is_file() and not run.fault:
            # Before the verdict, which shall not have to be looked for above it.
            stopped = run.stopped or run.status == _INTERRUPTED
            handed.hand_over(draft, target, show=not stopped)
    return _judged(run, assignment, case, device, checks, say)


def _judged(
    run: _Run, assignment: Assignment, case: str, device: Sequence[str], checks: Sequence[str], say: TextIO
) -> int:
    """What became of the case, told to `say`, as an exit status."""
    if run.fault:
        raise GraderError(run.fault)
    if run.verdict:
        status = _tell(run.verdict, case, say)
        if status == NOT_PASSED:
            print(_unwatched(assignment, device, checks), end="", file=say)
        return status
    if run.stopped:
        print("\nstopped before the case had a verdict", file=say)
        return STOPPED
    if run.status < 0:
        print(f"\nerror: crashed with {signal.Signals(-run.status).name}", file=say)
        print(_unwatched(assignment, device, checks), end="", file=say)
        return NOT_PASSED
    if run.status == _INTERNAL_ERROR or (run.status == _INTERRUPTED and not run.found):
        raise GraderError("the suite could not be run; see above.")
    if not run.found:
        raise UsageError(f"{assignment.name} has no case {case!r}; grade.json lists the ids of all cases.")
    if run.status == _INTERRUPTED:
        print("\nstopped before the case had a verdict", file=say)
        return STOPPED
    print(f"\nerror: the submission ended the process with exit status {run.status}", file=say)
    return NOT_PASSED


def _unwatched(assignment: Assignment, device: Sequence[str], checks: Sequence[str]) -> str:
    """What a simulated device has not watched for, as a paragraph: a NaN alone does not say where to look."""
    left = [f"`--check {check}`" for check in CHECKS if check not in checks]
    if not left or not set(device) & set(assignment.devices.simulates):
        return ""
    return f"\n{' and '.join(left)} find{'s' if len(left) == 1 else ''} more: see docs/cuda-sim.md.\n"


def _command(assignment: Assignment, case: str, prepared: Path, seed: int) -> list[str]:
    suite = assignment.suite / case.partition("::")[0]
    command = [sys.executable, "-m", "pytest", str(suite), "-c", str(ROOT / "pyproject.toml"), "-s"]
    command += ["-p", "no:cacheprovider", "-p", "grader.judging.single_case", "-p", "grader.repro_script.plugin"]
    command += ["--case", case]
    return [*command, "--isolation", "none", "--show-calls", "--prepared", str(prepared), "--seed", str(seed)]


def _device(assignment: Assignment, case: str) -> list[str]:
    """The case's device, which stands first in the brackets of its id; none where it has no such."""
    inside = case.partition("[")[2].rstrip("]") + "-"
    # The longest: "cuda-sim-k3" begins with "cuda-" as well.
    return sorted((name for name in assignment.devices.known if inside.startswith(f"{name}-")), key=len)[-1:]


def _run(command: Sequence[str], env: Mapping[str, str], say: TextIO) -> _Run:
    """Run the child with this terminal as its own, so that a debugger works.

    env: what a worker's environment has, which may count only where a process begins with it. say: where stdout goes.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # Unbuffered: what was printed before a crash is what it takes to find it.
    environ |= {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **env}
    reader, writer = os.pipe()
    try:
        child = subprocess.Popen(
            [*command, "--events", str(writer)], cwd=ROOT, env=environ, pass_fds=[writer], stdout=say.fileno()
        )
    finally:
        os.close(writer)
    run = _Run()
    with _interrupts_left_to_the_child(child, run), os.fdopen(reader, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with contextlib.suppress(ValueError):  # cut off by a crash, or written by the submission itself
                _note(run, json.loads(line))
        run.status = child.wait()
    return run


def _note(run: _Run, event: dict[str, Any]) -> None:
    if event["event"] == "collected":
        run.found = bool(event["cases"])
    elif event["event"] == "verdict":
        run.verdict = event
    elif event["event"] == "fault":
        run.fault = event["message"]


@contextlib.contextmanager
def _interrupts_left_to_the_child(child: subprocess.Popen[bytes], run: _Run) -> Iterator[None]:
    """Ctrl-C in a debugger is meant for the debugger; it reaches this process as well.

    Code that is stuck in C++ never comes back to Python to hear of it: pressed again and again, it ends the child.
    """
    pressed: list[float] = []

    def note(number: int, frame: Any) -> None:
        pressed.append(time.monotonic())
        if len(pressed) >= _PRESSED and pressed[-1] - pressed[-_PRESSED] < _WITHIN:
            run.stopped = True
            child.kill()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(verdict: dict[str, Any], case: str, say: TextIO) -> int:
    words = split_command(verdict["message"])[0]  # less the command that was just run
    if verdict["verdict"] == Verdict.NOT_RUN.value:
        raise UsageError(f"{case} cannot be run on this machine: {words}.")
    print(f"\n{verdict['verdict']}{f': {words}' if words else ''}", file=say)
    return PASSED if verdict["verdict"] == Verdict.PASS.value else NOT_PASSED
