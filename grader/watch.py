"""Run the failing cases of a tree again whenever a file of it is saved.

What fails is known from the last grade, or from a first run of everything. Each save runs what failed; when nothing of
it fails any more, everything is run, so that what was broken on the way shows. A save while cases run is not lost: the
next round begins when this one has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from grader.assignment import Assignment
from grader.build import BuiltTree, build
from grader.children import Children
from grader.errors import UsageError
from grader.failing import Failing, Round
from grader.grading import shared_fault
from grader.intake import report_names, stage
from grader.judge import ROOT, judging_environment
from grader.report.rounds import print_news, print_saved, print_start
from grader.run import RunOptions, measure
from grader.sandbox import open_sandbox
from grader.suite import suite_hash
from grader.verdict import LOST

# What editors leave beside a file for a moment (vim's 4913, swap and backup files, Emacs's locks, JetBrains' and VS
# Code's own), and what is compiled. Whatever else is no part of a submission changes nothing in the staged tree.
_PASSING = re.compile(r"^4913$|~$|\.sw.$|^#.*#$|\.tmp$|___jb_\w+___$|\.py[co]$|\.so$|\.o$|\.new$")
_FOLDERS = ("__pycache__", "build", "node_modules")

_STEP = 50  # milliseconds without another change that end a save: an editor writes a file in several steps
_WAKE = 500  # milliseconds; how often the library looks up by itself, and how long it takes to begin


def follow(
    saves: Iterable[Sequence[Path]],
    identity: Callable[[], str],
    settle: Callable[[Sequence[Path]], None],
) -> None:
    """Settle once, and again after each of `saves` that has changed what is graded.

    identity: a hash of what is graded, as the tree is now. It is taken before settling, so that nothing is missed that
    is saved meanwhile.
    """
    seen = identity()
    settle(())
    for files in saves:
        now = identity()
        if now != seen:
            seen = now
            settle(files)


def matters(tree: Path, path: Path) -> bool:
    """Whether a file that was changed may be one that is graded, and not an editor's or a compiler's."""
    parts = path.relative_to(tree).parts if path.is_relative_to(tree) else ()
    if not parts or any(part.startswith(".") or part in _FOLDERS for part in parts):
        return False
    return not _PASSING.search(parts[-1])


def remembered(assignment: Assignment, tree: Path, out: Path, selection: str) -> dict[str, Any]:
    """The grade.json of the tree's last grading of the same selection; empty where there is none that can be read."""
    try:
        document: Any = json.loads((out / report_names([tree])[0] / "grade.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict) or document.get("assignment") != assignment.name:
        return {}
    return document if document.get("selection") == selection and not document.get("fault") else {}


def known_to_fail(assignment: Assignment, document: dict[str, Any]) -> list[str]:
    """The ids of the cases that failed in that grade, and whose files there still are."""
    ids = [str(case["id"]) for case in document.get("cases", []) if case["verdict"] in LOST]
    files = {file: (assignment.suite / file).is_file() for file in {name.partition("::")[0] for name in ids}}
    return [name for name in ids if files[name.partition("::")[0]]]


class Rounds:
    """Runs cases of a tree as it is at that moment; keeps a process warm between the rounds. Close it when done."""

    def __init__(self, assignment: Assignment, tree: Path, options: RunOptions, jobs: int) -> None:
        if not tree.is_dir():
            raise UsageError(f"{tree} is not a folder; `watch` waits for files of a folder to be saved.")
        self._assignment, self._tree, self._options, self._jobs = assignment, tree, options, jobs
        self._children: Children | None = None
        self._suite = ""  # the hash of the suite that the warm process has imported
        self._problems: dict[str, str] = {}  # of the cases that were run so far

    def identity(self) -> str:
        """A hash of what is graded of the tree, and by what; of what cannot be read just now the reason."""
        with tempfile.TemporaryDirectory(prefix="grader-watch-") as folder:
            try:
                staged = stage(self._tree, self._assignment, Path(folder) / "tree")
            except UsageError as error:
                return str(error)
        return staged.fault or staged.identity

    def run(self, cases: tuple[str, ...]) -> Round:
        """One round; of all cases where none are named. Raises UsageError for a selection of nothing, GraderError."""
        options = replace(self._options, cases=cases)
        with tempfile.TemporaryDirectory(prefix="grader-watch-") as name, self._warm() as children:
            folder = Path(name).resolve()
            folder.chmod(0o755)  # a worker in a box may run as another user
            try:
                tree = self._built(folder, children)
            except UsageError as error:  # a file that an editor is just replacing, say
                return Round((), str(error), not cases)
            if tree.fault is not None:
                return Round((), tree.fault, not cases)
            # A judge for each problem, and no more: the others would only collect the suite.
            problems = {self._problems.get(case, case) for case in cases}
            jobs = min(self._jobs, len(problems) or self._jobs)
            shown = str(self._tree)
            found = measure(self._assignment, tree, options, lambda _: None, jobs, shown=shown, children=children)
        self._problems |= {result.case.id: result.case.problem for result in found.results}
        return Round(tuple(found.results), shared_fault(found.results) or "", not cases)

    def warm_up(self) -> None:
        """Get ready, so that the first save is judged as fast as the second."""
        with self._warm():
            pass

    def close(self) -> None:
        """End what is kept warm."""
        if self._children is not None:
            self._children.stop()
            self._children = None

    def _built(self, folder: Path, children: Children) -> BuiltTree:
        staged = stage(self._tree, self._assignment, folder / "tree")
        return build(
            staged,
            self._assignment,
            children.box(open_sandbox(self._options.sandbox)),
            folder / "native",
            for_devices=self._options.devices or self._assignment.devices.graded,
            checks=self._options.checks,
        )

    @contextlib.contextmanager
    def _warm(self) -> Iterator[Children]:
        """The children of all rounds; new ones where the suite has changed, or after what has ended a round early."""
        now = suite_hash(self._assignment.suite)
        if self._children is not None and now != self._suite:
            self.close()
        if self._children is None:
            self._children, self._suite = Children(), now
            self._children.warm_up(self._assignment.suite, ROOT, judging_environment(os.environ))
        try:
            yield self._children
        except BaseException:
            self.close()
            raise


def saves(tree: Path) -> Iterator[Sequence[Path]]:
    """The files that were changed, each time that some were: together what was saved within a moment.

    It is watched from this call on, also while nobody asks for the next. The operating system tells of changes
    (inotify, FSEvents, ...); where it does not, as in WSL, the library looks by itself.
    """
    from watchfiles import watch

    top = tree.resolve()
    found = watch(
        top,
        watch_filter=lambda _, path: matters(top, Path(path)),
        step=_STEP,
        rust_timeout=_WAKE,
        yield_on_timeout=True,
    )
    next(found)  # the library begins to watch when it is first asked
    return (sorted(Path(path) for _, path in changes) for changes in found if changes)


def watch_tree(
    assignment: Assignment,
    tree: Path,
    options: RunOptions,
    *,
    seed: int | None,
    jobs: int,
    out: Path,
    console: Console,
) -> None:
    """Watch the tree until Ctrl-C. seed: by default that of the last grade, else that of `options`.

    out: where `grade` left its reports. Raises UsageError where the tree is no folder or nothing is selected.
    """
    document = remembered(assignment, tree, out, options.selection)
    if options.devices and list(options.devices) != document.get("devices"):
        document = {}  # other cases failed there
    if document:
        options = replace(options, devices=tuple(document["devices"]))
    options = replace(options, seed=document.get("seed", options.seed) if seed is None else seed)
    failing = Failing(known_to_fail(assignment, document))
    rounds = Rounds(assignment, tree, options, jobs)

    def settle(files: Sequence[Path]) -> None:
        if files:
            print_saved(console, [path.relative_to(tree.resolve()) for path in files])
        failing.settle(rounds.run, lambda news: print_news(console, news))

    try:
        rounds.warm_up()
        changes = saves(tree)
        print_start(console, tree, len(failing.ids), options.seed)
        follow(changes, rounds.identity, settle)
    except KeyboardInterrupt:
        console.print()
    finally:
        rounds.close()
