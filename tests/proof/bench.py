"""What every examination of a run needs: the judge, the reference's sources, and what each case runs of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Assignment
from grader.build import BuiltTree, prepare
from grader.sandbox import open_sandbox
from grader.verdict import Case
from proof.judge import Judge
from proof.plan import touched
from proof.split import split_sources
from proof.touched import Change, TouchMap, change_of
from proof.trees import lay_out


@dataclass(frozen=True)
class Bench:
    """See the module."""

    assignment: Assignment
    judge: Judge
    reference: Mapping[str, str]  # its sources: path -> text
    cases: Sequence[Case]  # of all devices of the run
    seen: TouchMap
    workspace: Path

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems' names, in the assignment's order."""
        return tuple(problem.name for problem in self.assignment.problems)

    def change(self, files: Mapping[str, str]) -> Change:
        """What these sources do in another way than the reference."""
        return change_of(self.reference, files, self.assignment, self.seen.imported)

    def touched(self, change: Change, device: str) -> dict[str, list[Case]]:
        """The cases that the change can touch, by problem."""
        return touched(self.cases, device, change, self.seen, self.problems)

    @contextmanager
    def built(self, name: str, files: Mapping[str, str], devices: Sequence[str]) -> Iterator[BuiltTree]:
        """The sources as a tree that is ready to be judged, for the length of the block."""
        sources, assignment = split_sources(files, self.assignment)
        with build_tree(name, sources, devices, assignment, self.workspace) as tree:
            if assignment == self.assignment or not fault_of(tree, devices):
                yield tree
                return
        with build_tree(name, files, devices, self.assignment, self.workspace) as tree:  # it does not come apart
            yield tree


@contextmanager
def build_tree(
    name: str, files: Mapping[str, str], devices: Sequence[str], assignment: Assignment, workspace: Path
) -> Iterator[BuiltTree]:
    """The sources as a tree, staged and compiled as a submission is."""
    folder = Path(tempfile.mkdtemp(prefix="tree-", dir=workspace))
    try:
        laid = lay_out(files, folder / "tree")
        yield prepare(laid, assignment, open_sandbox("none", tried=True), folder, name=name, for_devices=devices)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fault_of(tree: BuiltTree, devices: Sequence[str]) -> str:
    """Why nothing of the tree can be judged on one of the devices; "" where all can."""
    reasons = [tree.fault, *(where.get(device) for device in devices for where in (tree.unbuilt, tree.absent))]
    return next((reason for reason in reasons if reason), "")
