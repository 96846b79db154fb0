"""The tree that a run of the suite is about, and the workers that answer for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from grader import devices
from grader.assignment import Assignment
from grader.build import BuiltTree, prepare
from grader.delegation.modes import PLAIN
from grader.judging.cases import device_of, problem_of
from grader.judging.choice import Choice
from grader.sandbox import open_sandbox
from grader.subject.client import IsolatedSubject, Subject
from grader.subject.inprocess import InProcessSubject
from grader.subject.outcome import SubjectError
from grader.subject.perturbation import Plan
from grader.subject.showing import ShowingSubject
from grader.suite import is_hidden


class TreeUnderTest:
    """Prepared when the first case is about to run; each subject is opened when it is first asked."""

    def __init__(self, choice: Choice) -> None:
        self.tree: BuiltTree | None = None
        self._choice = choice
        self._subjects: dict[bool, Subject] = {}  # for simulated devices (True), and for all others
        self._served: dict[bool, tuple[str, bool]] = {}  # the problem that each subject served last; whether hidden
        self._workspace: tempfile.TemporaryDirectory[str] | None = None
        self._absent: dict[str, str | None] = {}

    def subject_for(self, item: pytest.Item) -> Subject:
        """The tree's subject, renewed when another problem begins: none can leave anything to the next.

        Also between hidden cases and others: what a hidden one asked must not be told in an exception of a later case.
        """
        assignment = self._choice.assignment_of(item.path)
        serves = assignment.problem(problem_of(item)).name, is_hidden(item.path.name)
        # In this process there can be but one, for whichever devices were chosen.
        served = self._choice.devices_in_use(assignment) if self._choice.in_process else (device_of(item),)
        simulated = any(device in assignment.devices.simulates for device in served)
        assert self.tree is not None, "prepare() comes first"
        if self.tree.fault is not None:
            raise SubjectError(self.tree.fault)
        if simulated not in self._subjects:
            subject = self._open_subject(assignment, self.tree, simulated)
            self._subjects[simulated] = (
                ShowingSubject(subject) if self._choice.config.getoption("show_calls") else subject
            )
        elif serves != self._served[simulated]:
            self._subjects[simulated].renew()
        self._served[simulated] = serves
        return self._subjects[simulated]

    def _open_subject(self, assignment: Assignment, tree: BuiltTree, simulated: bool) -> Subject:
        if self._choice.in_process:
            return InProcessSubject(assignment, tree, simulated=simulated, checks=self._choice.checks)
        return self._open_isolated(assignment, tree, simulated)

    def open_planned(self, assignment: Assignment, simulated: bool, plan: Plan) -> Subject:
        """A worker of its own that changes what the plan says."""
        assert self.tree is not None, "prepare() comes first"
        return self._open_isolated(assignment, self.tree, simulated, plan)

    def open_traced(self, assignment: Assignment, simulated: bool) -> IsolatedSubject:
        """A worker of its own, for questions that are asked once more."""
        assert self.tree is not None, "prepare() comes first"
        return self._open_isolated(assignment, self.tree, simulated, Plan.drawn(PLAIN))

    def _open_isolated(
        self, assignment: Assignment, tree: BuiltTree, simulated: bool, plan: Plan | None = None
    ) -> IsolatedSubject:
        sandbox = open_sandbox(self._choice.config.getoption("sandbox"), tried=True)
        gpu = not simulated and any(
            devices.on_gpu(assignment, device) for device in self._choice.devices_in_use(assignment)
        )
        return IsolatedSubject(
            assignment, tree, sandbox, gpu=gpu, simulated=simulated, checks=self._choice.checks, plan=plan
        )

    def prepare(self, assignment: Assignment) -> BuiltTree:
        """Stage and compile the tree. Raises UsageError and GraderError."""
        self.tree = self._prepared(assignment)
        return self.tree

    def _prepared(self, assignment: Assignment) -> BuiltTree:
        if prepared := self._choice.config.getoption("prepared"):
            return BuiltTree.from_json(Path(prepared).read_text(encoding="utf-8"))
        self._workspace = tempfile.TemporaryDirectory(prefix="grader-tree-")
        source = Path(self._choice.config.getoption("tree"))
        if not source.exists():
            source = self._choice.config.rootpath / source
        sandbox = open_sandbox(self._choice.config.getoption("sandbox"), tried=True)
        workspace, wanted = Path(self._workspace.name), self._choice.devices_in_use(assignment)
        return prepare(
            source,
            assignment,
            sandbox,
            workspace,
            for_devices=wanted,
            checks=self._choice.checks,
            debug=self._choice.in_process,
        )

    def absence(self, assignment: Assignment, device: str) -> str | None:
        """Why the device is not on this machine; None where it is. The submission is never asked."""
        if device not in self._absent:
            told = self.tree.absent.get(device) if self.tree else None
            self._absent[device] = told or devices.absence(assignment, device)
        return self._absent[device]

    def close(self) -> None:
        """End the workers and remove what was staged."""
        for subject in self._subjects.values():
            subject.close()
        if self._workspace is not None:
            self._workspace.cleanup()
