"""Measure and judge a built tree: the suite runs in child processes of ours, every case comes back with a verdict."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.assignment import Assignment
from grader.build import BuiltTree
from grader.errors import GraderError, UsageError
from grader.score import verdicts_for
from grader.verdict import Case, CaseResult, Verdict

ROOT = Path(__file__).resolve().parent.parent

_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # grading is single-threaded: two threads on a busy machine are slower by far, and unfair
    "PYTHONHASHSEED": "0",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # no plugin that happens to be installed has a say in a grade
}

PASSED, FAILED, USAGE, NOTHING_COLLECTED = 0, 1, 4, 5  # pytest's exit statuses that we know how to read


@dataclass(frozen=True)
class RunOptions:
    """How to run a suite."""

    seed: int
    devices: tuple[str, ...]  # empty: those that the assignment grades
    selection: str  # a -k expression; empty: everything
    isolation: str  # "worker" or "none"
    sandbox: str  # kind of box


@dataclass(frozen=True)
class Measurement:
    """What a run over a tree brought."""

    results: list[CaseResult]  # one for every case of the suite, in its order
    report: dict[str, Any]  # pytest-json-report's document


Watcher = Callable[[dict[str, Any]], None]


def measure(
    assignment: Assignment, tree: BuiltTree, options: RunOptions, watch: Watcher, shards: int = 1
) -> Measurement:
    """Run the suite over the tree in `shards` processes, which take a share of the problems each.

    watch is called with every event as it comes, from several threads. Raises UsageError where nothing is selected, and
    GraderError where the judging itself failed.
    """
    names = [problem.name for problem in assignment.problems]
    shares = [names[i::shards] for i in range(shards) if names[i::shards]]
    with tempfile.TemporaryDirectory(prefix="grader-run-") as folder:
        prepared = Path(folder, "tree.json")
        prepared.write_text(tree.to_json(), encoding="utf-8")
        with ThreadPoolExecutor(len(shares)) as pool:
            jobs = [
                pool.submit(_run_share, assignment, tree, prepared, share, options, watch, Path(folder, str(i)))
                for i, share in enumerate(shares)
            ]
            parts = [job.result() for job in jobs]
    cases = [case for part in parts for case in part.cases]
    if not cases:
        raise UsageError(f"-k has value {options.selection!r}, which selects no case of {assignment.name}.")
    order = {name: position for position, name in enumerate(names)}
    cases.sort(key=lambda case: order[case.problem])  # stable: within a problem the suite's order stays
    results = verdicts_for(cases, [result for part in parts for result in part.results])
    return Measurement(results, _merged([part.report for part in parts]))


@dataclass(frozen=True)
class _Part:
    cases: list[Case]
    results: list[CaseResult]
    report: dict[str, Any]


def _run_share(
    assignment: Assignment,
    tree: BuiltTree,
    prepared: Path,
    problems: Sequence[str],
    options: RunOptions,
    watch: Watcher,
    folder: Path,
) -> _Part:
    folder.mkdir()
    log, report = folder / "pytest.log", folder / "report.json"
    reader, writer = os.pipe()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *_command(assignment, prepared, problems, options, report),
                "--events",
                str(writer),
                "--tree",
                tree.name,
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[writer],
            env={**os.environ, **_ENVIRONMENT},
        )
    os.close(writer)
    cases: dict[str, Case] = {}
    results: list[CaseResult] = []
    try:
        for event in _events(reader):
            if event["event"] == "collected":
                cases = {item["id"]: Case(**item) for item in event["cases"]}
            elif event["event"] == "verdict" and event["id"] in cases:
                verdict = Verdict(event["verdict"])
                results.append(CaseResult(cases[event["id"]], verdict, event["seconds"], event["message"]))
            watch(event)
        status = process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)  # only where we leave early: pytest then ends its worker
        process.wait()
    if status not in (PASSED, FAILED, NOTHING_COLLECTED):
        text = log.read_text(encoding="utf-8", errors="replace")
        if status == USAGE:
            raise UsageError(_last_error(text))
        raise GraderError(f"the suite ended with status {status} instead of judging {tree.name}:\n{text[-6000:]}")
    return _Part(list(cases.values()), results, json.loads(report.read_text(encoding="utf-8")))


def _command(
    assignment: Assignment, prepared: Path, problems: Sequence[str], options: RunOptions, report: Path
) -> list[str]:
    command = [sys.executable, "-m", "pytest", str(assignment.suite), "-c", str(ROOT / "pyproject.toml"), "-q"]
    command += ["-p", "pytest_metadata.plugin", "-p", "pytest_jsonreport.plugin", "-p", "no:cacheprovider"]
    command += ["--json-report", "--json-report-file", str(report)]
    command += ["--prepared", str(prepared), "--seed", str(options.seed)]
    command += ["--isolation", options.isolation, "--sandbox", options.sandbox]
    for device in options.devices:
        command += ["--device", device]
    for problem in problems:
        command += ["--problem", problem]
    if options.selection:
        command += ["-k", options.selection]
    return command


def _events(reader: int) -> Iterator[dict[str, Any]]:
    with os.fdopen(reader, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _last_error(text: str) -> str:
    lines = [line.removeprefix("ERROR: ") for line in text.splitlines() if line.startswith("ERROR: ")]
    return lines[-1] if lines else text.strip()[-500:]


def _merged(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One pytest-json-report document from those of the shares: lists joined, counts added."""
    first, *others = reports
    merged = dict(first)
    for other in others:
        merged["tests"] = merged.get("tests", []) + other.get("tests", [])
        merged["collectors"] = merged.get("collectors", []) + other.get("collectors", [])
        merged["duration"] = max(merged["duration"], other["duration"])
        merged["exitcode"] = max(merged["exitcode"], other["exitcode"])
        counts = dict(merged["summary"])
        for name, count in other["summary"].items():
            counts[name] = counts.get(name, 0) + count
        merged["summary"] = counts
    return merged
