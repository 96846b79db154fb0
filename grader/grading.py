"""Grade trees: prepare each, run the suite over it, score it, and write its folder of reports."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grader
from grader.assignment import Assignment
from grader.build import BuiltTree, prepare
from grader.intake import report_names
from grader.report.document import to_json
from grader.report.markdown import to_markdown
from grader.run import RunOptions, measure
from grader.sandbox import open_sandbox
from grader.score import Grade, score
from grader.verdict import CaseResult, Verdict

Watch = Callable[[str, dict[str, Any]], None]


def grade_trees(
    assignment: Assignment,
    sources: Sequence[Path],
    options: RunOptions,
    *,
    jobs: int,
    out: Path,
    watch: Watch,
) -> list[Grade]:
    """The grades of the trees in their order; each has its folder of reports in `out` when its run ends.

    watch(name of the tree, event) is called as things happen, from several threads.
    """
    names = report_names(sources)
    shards = max(1, jobs // len(sources))
    with tempfile.TemporaryDirectory(prefix="grader-trees-") as workspace, ThreadPoolExecutor(jobs) as pool:
        pending = [
            pool.submit(_grade_tree, assignment, source, name, options, shards, Path(workspace), out, watch)
            for source, name in zip(sources, names, strict=True)
        ]
        return [job.result() for job in pending]


def _grade_tree(
    assignment: Assignment,
    source: Path,
    name: str,
    options: RunOptions,
    shards: int,
    workspace: Path,
    out: Path,
    watch: Watch,
) -> Grade:
    watch(name, {"event": "building"})
    tree = prepare(source, assignment, open_sandbox(options.sandbox), workspace / name, name)
    measurement = measure(assignment, tree, options, lambda event: watch(name, event), shards)
    grade = score(
        assignment,
        measurement.results,
        tree=name,
        tree_hash=tree.identity,
        seed=options.seed,
        devices=options.devices or assignment.devices.graded,
        selection=options.selection,
        fault=tree.fault or shared_fault(measurement.results),
        environment=environment(options, tree),
    )
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "grade.json").write_text(to_json(grade), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(measurement.report, indent=1) + "\n", encoding="utf-8")
    (folder / "summary.md").write_text(to_markdown(grade), encoding="utf-8")
    watch(name, {"event": "graded"})
    return grade


def shared_fault(results: Sequence[CaseResult]) -> str | None:
    """The one message of a tree that could not even be imported, which would otherwise stand at every case."""
    counted = [result for result in results if result.verdict is not Verdict.NOT_RUN]
    messages = {result.message.rpartition("\nRun: ")[0] for result in counted}
    message = messages.pop() if len(messages) == 1 else ""
    return message if message.startswith("importing the tree ") else None


def environment(options: RunOptions, tree: BuiltTree) -> dict[str, str]:
    """What the grade was made with; nothing that differs between two runs on the same machine."""
    return {
        "grader": grader.__version__,
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
        "torch": importlib.metadata.version("torch"),
        "platform": platform.platform(),
        "cores": str(os.cpu_count()),
        "isolation": options.isolation,
        "sandbox": options.sandbox,
        "notes": "; ".join(tree.notes),
    }
