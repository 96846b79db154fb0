"""Measure and judge a built tree: the suite runs in child processes of ours, every case comes back with a verdict."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.assignment import Assignment
from grader.build import BuiltTree
from grader.children import Children, Stopped
from grader.errors import GraderError, UsageError
from grader.evidence import from_json
from grader.judge import ROOT, events, failure, start
from grader.judging.json_report import FAILED, NOTHING_COLLECTED, PASSED, collection_errors, merged
from grader.reading.flag import Flag
from grader.score import verdicts_for
from grader.verdict import Case, CaseResult, Verdict


@dataclass(frozen=True)
class RunOptions:
    """How to run a suite."""

    seed: int
    devices: tuple[str, ...]  # empty: those that the assignment grades
    selection: str  # a -k expression; empty: everything
    isolation: str  # "worker" or "none"
    sandbox: str  # kind of box
    checks: tuple[str, ...] = ()  # what a simulated device watches for: "memory", "race"
    sandbox_told: str = ""  # why that kind of box, in a sentence for reports
    cases: tuple[str, ...] = ()  # ids; empty: all that `selection` leaves


@dataclass(frozen=True)
class Measurement:
    """What a run over a tree brought."""

    results: list[CaseResult]  # one for every case of the suite, in its order
    report: dict[str, Any]  # pytest-json-report's document
    flags: tuple[Flag, ...] = ()  # what showed while the tree ran, for the instructor


Watcher = Callable[[dict[str, Any]], None]


def measure(
    assignment: Assignment,
    tree: BuiltTree,
    options: RunOptions,
    watch: Watcher,
    shards: int = 1,
    *,
    shown: str = "",
    children: Children | None = None,
) -> Measurement:
    """Run the suite over the tree in `shards` processes, which take a share of the problems each.

    watch is called with every event as it comes, from several threads. shown: how the command that repeats a case names
    the tree; by default the tree's name. children: where the processes are known, so that somebody else can stop them.
    Raises UsageError where nothing is selected, and GraderError where the judging itself failed; both stop `children`.
    """
    children = children or Children()
    names = [problem.name for problem in assignment.problems]
    shares = [names[i::shards] for i in range(shards) if names[i::shards]]
    with tempfile.TemporaryDirectory(prefix="grader-run-") as name:
        folder = Path(name)
        (folder / "tree.json").write_text(tree.to_json(), encoding="utf-8")
        with ThreadPoolExecutor(len(shares)) as pool:
            judges = [
                _judge(assignment, share, options, folder, i, shown or tree.name) for i, share in enumerate(shares)
            ]
            jobs = [pool.submit(_run_share, judge, tree, watch, children) for judge in judges]
            try:
                for job in as_completed(jobs):
                    job.result()  # what fails first ends the others
            except BaseException:
                children.stop()
                raise
        parts = [job.result() for job in jobs]
    return _joined(assignment, tree, options, parts)


@dataclass(frozen=True)
class _Judge:
    """A process that judges a share of the problems."""

    command: list[str]
    log: Path  # what pytest prints; nobody sees it unless something goes wrong
    report: Path  # pytest-json-report's document


@dataclass(frozen=True)
class _Part:
    """What a judge brought."""

    cases: list[Case]
    results: list[CaseResult]
    report: dict[str, Any]
    flags: list[Flag]


def _run_share(judge: _Judge, tree: BuiltTree, watch: Watcher, children: Children) -> _Part:
    cases: dict[str, Case] | None = None
    results: list[CaseResult] = []
    flags: list[Flag] = []
    more: dict[str, dict[str, Any]] = {}  # of lost cases, what is known once all are judged
    process, reader = start(judge.command, judge.log, children)
    for event in events(reader):
        if event["event"] == "collected":
            cases = {item["id"]: Case(**item) for item in event["cases"]}
        elif event["event"] == "verdict" and cases and event["id"] in cases:
            verdict = Verdict(event["verdict"])
            evidence = from_json(event.get("evidence", {}))
            results.append(CaseResult(cases[event["id"]], verdict, event["seconds"], event["message"], evidence))
        elif event["event"] == "more":
            more[event["id"]] = event
        elif event["event"] == "suspicion":
            flags.append(Flag(event["file"], event["line"], event["what"], event["why"]))
        watch(event)
    status = process.wait()
    # An exit status alone proves nothing: Python itself ends with 1 where it cannot even start pytest.
    if status not in (PASSED, FAILED, NOTHING_COLLECTED) or cases is None or not judge.report.exists():
        raise Stopped if children.stopped else _failure(judge, status, tree)
    results = [_with_more(result, more[result.case.id]) if result.case.id in more else result for result in results]
    return _Part(list(cases.values()), results, json.loads(judge.report.read_text(encoding="utf-8")), flags)


def _with_more(result: CaseResult, event: dict[str, Any]) -> CaseResult:
    found = from_json(event["evidence"])
    evidence = replace(result.evidence, contrast=found.contrast, own=found.own)
    return replace(result, message=event["message"], evidence=evidence)


def _judge(
    assignment: Assignment, problems: Sequence[str], options: RunOptions, folder: Path, number: int, shown: str
) -> _Judge:
    report = folder / f"report-{number}.json"
    # Of a few cases only their files are collected: all of them take a second.
    files = dict.fromkeys(assignment.suite / case.partition("::")[0] for case in options.cases) or [assignment.suite]
    command = [*map(str, files), "-c", str(ROOT / "pyproject.toml"), "-q"]
    # What pytest itself would print of 1,200 failed cases, with excerpts of our own source, took 40 s; nobody reads it.
    command += ["--tb=native", "--no-summary"]
    command += ["-p", "pytest_metadata.plugin", "-p", "pytest_jsonreport.plugin", "-p", "no:cacheprovider"]
    command += ["--json-report", "--json-report-file", str(report)]
    command += ["--prepared", str(folder / "tree.json"), f"--tree={shown}", "--seed", str(options.seed)]
    command += ["--isolation", options.isolation, "--sandbox", options.sandbox]
    for device in options.devices:
        command += ["--device", device]
    for check in options.checks:
        command += ["--check", check]
    for problem in problems:
        command += ["--problem", problem]
    if options.cases:
        (folder / "cases.json").write_text(json.dumps(options.cases), encoding="utf-8")
        command += ["-p", "grader.judging.some_cases", "--cases", str(folder / "cases.json")]
    if options.selection:
        command.append(f"-k{options.selection}")  # in one word: an expression that begins with "-" is no option
    return _Judge(command, folder / f"pytest-{number}.log", report)


def _failure(judge: _Judge, status: int, tree: BuiltTree) -> UsageError | GraderError:
    text = judge.log.read_text(encoding="utf-8", errors="replace").strip()
    if judge.report.exists():
        text += "\n" + collection_errors(json.loads(judge.report.read_text(encoding="utf-8")))
    return failure(status, text, f"judging {tree.name}")


def _joined(assignment: Assignment, tree: BuiltTree, options: RunOptions, parts: Sequence[_Part]) -> Measurement:
    cases = [case for part in parts for case in part.cases]
    if not cases and options.selection and not options.cases:
        raise UsageError(f"-k has value {options.selection!r}, which selects no case of {assignment.name}.")
    order = {problem.name: position for position, problem in enumerate(assignment.problems)}
    cases.sort(key=lambda case: order[case.problem])  # stable: within a problem the suite's order stays
    results = verdicts_for(cases, [result for part in parts for result in part.results])
    about = {"tree": tree.name, "seed": str(options.seed), "selection": options.selection or "everything"}
    flags = tuple(flag for part in parts for flag in part.flags)
    return Measurement(results, merged([part.report for part in parts], about), flags)
