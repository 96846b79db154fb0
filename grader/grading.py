"""Grade trees: prepare each, run the suite over it, score it, and write its folder of reports."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grader
from grader.assignment import Assignment
from grader.build import BuiltTree, build
from grader.children import Children, Stopped
from grader.devices import is_cuda
from grader.errors import GraderError, UsageError
from grader.intake import StagedTree, report_names, stage
from grader.judge import ROOT, judging_environment
from grader.reading.apart import read_tree
from grader.reading.flag import Flag
from grader.reading.modules import read_modules
from grader.reading.settings import Settings, load_settings
from grader.report.audience import Audience, report_seen_by, seen_by
from grader.report.document import to_document, to_json
from grader.report.failures import split_command
from grader.report.markdown import to_markdown
from grader.run import RunOptions, measure
from grader.sandbox import open_sandbox
from grader.score import Grade, score
from grader.standing import FILE, remembered
from grader.suite import suite_hash
from grader.verdict import CaseResult, Verdict

Watch = Callable[[str, dict[str, Any]], None]

REPORTS = ("report.json", "summary.md", "grade.json")  # the last one is written last: where it is, all are


def grade_trees(
    assignment: Assignment,
    sources: Sequence[Path],
    options: RunOptions,
    *,
    jobs: int,
    out: Path,
    watch: Watch,
    shown: Sequence[str] = (),
    audience: Audience = Audience.STAFF,
) -> list[Grade]:
    """The grades of the trees in their order; each has its folder of reports in `out` when its run ends.

    watch(name of the tree, event) is called as things happen, from several threads. shown: how the command that repeats
    a case names each tree; by default as the reports do. audience: who will read the reports; the grades that are
    returned are in full. Raises UsageError where a tree is not there, `out` cannot be
    written or nothing is selected, GraderError where the grading itself failed; what was running is then ended, and no
    tree but those that were done has reports.
    """
    names = report_names(sources)
    _check_out(out, names, sources)
    with tempfile.TemporaryDirectory(prefix="grader-trees-") as folder:
        workspace = Path(folder).resolve()
        # All of them before the first is compiled: that the last one's name is misspelt must not come out in an hour.
        staged = [
            stage(source, assignment, workspace / name / "tree") for source, name in zip(sources, names, strict=True)
        ]
        _make_folders(out, names)
        children = Children()
        run = _Run(
            assignment,
            options,
            max(1, jobs // len(sources)),
            out,
            watch,
            children,
            suite_hash(assignment.suite),
            load_settings(assignment.suite),
            audience,
        )
        with contextlib.closing(children), ThreadPoolExecutor(jobs) as pool:
            children.warm_up(assignment.suite, ROOT, judging_environment(os.environ))  # while trees are compiled
            pending = [
                pool.submit(run.grade, tree, name, repeated)
                for tree, name, repeated in zip(staged, names, shown or names, strict=True)
            ]
            try:
                for job in as_completed(pending):
                    if not isinstance(job.exception(), Stopped):  # else another one failed first, and says why
                        job.result()
            except BaseException:
                run.children.stop()  # trees that wait their turn find that nothing starts any more
                raise
        return [job.result() for job in pending]


@dataclass(frozen=True)
class _Run:
    """What the trees of one run have in common."""

    assignment: Assignment
    options: RunOptions
    shards: int  # processes a tree
    out: Path
    watch: Watch
    children: Children
    suite_hash: str
    reading: Settings  # what the reader of a tree's code must know of the assignment
    audience: Audience

    def grade(self, staged: StagedTree, name: str, shown: str) -> Grade:
        """Build one tree, judge it, and write its reports."""
        self.watch(name, {"event": "building"})
        box = self.children.box(open_sandbox(self.options.sandbox))
        output = staged.root.parent / "native"
        tree = build(
            staged,
            self.assignment,
            box,
            output,
            name=name,
            for_devices=self._devices(),
            checks=self.options.checks,
        )
        flags = self._read(staged, tree)  # before anything of the tree runs, and could change it
        measurement = measure(
            self.assignment,
            tree,
            self.options,
            lambda event: self.watch(name, event),
            self.shards,
            shown=shown,
            children=self.children,
        )
        grade = score(
            self.assignment,
            measurement.results,
            tree=name,
            tree_hash=tree.identity,
            suite_hash=self.suite_hash,
            seed=self.options.seed,
            devices=self._devices(),
            selection=self.options.selection,
            fault=tree.fault or shared_fault(measurement.results),
            environment=environment(self.options, tree),
            account=tree.account,
            flags=[*flags, *measurement.flags],
        )
        seen = seen_by(grade, self.audience)
        report = json.dumps(report_seen_by(measurement.report, grade, self.audience), indent=1) + "\n"
        folder = self.out / name
        if self.assignment.parts:  # else `status`, whose file it is, has nothing to tell
            _write(folder, {FILE: remembered(self.assignment, folder, to_document(seen))})
        _write(folder, dict(zip(REPORTS, (report, to_markdown(seen), to_json(seen)), strict=True)))
        self.watch(name, {"event": "graded"})
        return grade

    def _read(self, staged: StagedTree, tree: BuiltTree) -> list[Flag]:
        """What is worth a look in the tree's code, and in what was compiled of it."""
        layout = self.assignment.layout
        if staged.fault is not None:
            return []
        sources = [*layout.modules.values(), *(path for paths in layout.companions.values() for path in paths)]
        cuda = frozenset(module for module, source in layout.modules.items() if is_cuda(source))
        return [
            *read_tree(staged.root, staged.files, sources, self.reading),
            *read_modules(tree.modules, cuda=cuda),
            *read_modules(tree.simulated, cuda=cuda, simulated=True),
        ]

    def _devices(self) -> tuple[str, ...]:
        return self.options.devices or self.assignment.devices.graded


def _check_out(out: Path, names: Sequence[str], sources: Sequence[Path]) -> None:
    """Forget what an earlier run reported of these trees: should this one fail, it must not pass for its result."""
    for name, source in zip(names, sources, strict=True):
        if (out / name).resolve() == source.resolve():
            raise UsageError(f"--out has value {str(out)!r}, so the reports on {source} would be written into it.")
        for report in REPORTS:
            with _out_errors(out):
                (out / name / report).unlink(missing_ok=True)


def _make_folders(out: Path, names: Sequence[str]) -> None:
    for name in names:
        with _out_errors(out):
            (out / name).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=out / name).close()


@contextlib.contextmanager
def _out_errors(out: Path) -> Iterator[None]:
    """What goes wrong with the folder that the user named is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"--out has value {str(out)!r}, but {error.filename} cannot be written: {error.strerror}; "
            "name a folder where reports may go."
        ) from None


def _write(folder: Path, texts: dict[str, str]) -> None:
    try:
        for name, text in texts.items():
            # Renamed into its place: a report is there in full or not at all.
            (folder / f"{name}.new").write_text(text, encoding="utf-8")
            (folder / f"{name}.new").replace(folder / name)
    except OSError as error:
        raise GraderError(f"{error.filename} cannot be written: {error.strerror}.") from None


def shared_fault(results: Sequence[CaseResult]) -> str | None:
    """The one message of a tree that could not even be imported, which would otherwise stand at every case."""
    counted = [result for result in results if result.verdict is not Verdict.NOT_RUN]
    messages = {split_command(result.message)[0] for result in counted}
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
        "sandbox": options.sandbox_told or options.sandbox,
        "checks": ", ".join(options.checks),
        "notes": "; ".join(tree.notes),
    }
