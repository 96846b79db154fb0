"""Delegation under pytest: a case that passes may be asked again before its verdict is told."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from grader.assignment import Assignment
from grader.delegation.again import Attempt, Examiner
from grader.delegation.modes import PLAIN
from grader.delegation.topics import Topic, shuffled, topic_of
from grader.findings import untold
from grader.inputs import Inputs
from grader.judging.cases import problem_of
from grader.subject.client import Subject
from grader.subject.outcome import SubjectError
from grader.subject.perturbation import Plan
from grader.suite import is_hidden
from grader.tolerance import Tolerance


class Delegated(AssertionError):
    """The answer is right, and was not computed by the submission's own backend. The verdict is `fail`."""


class DelegationCheck:
    """Asks again what passed, as the assignment's table `delegation` says."""

    def __init__(
        self,
        seed: int,
        open_subject: Callable[[Assignment, bool, Plan], Subject],
        ask: Callable[[Subject, str, Tolerance], Any],
    ) -> None:
        """open_subject: (assignment, whether its device simulates another, plan) -> a worker that follows the plan.

        ask: what a test gets as its `subject`, of a subject, a device, and how near right answers are.
        """
        self._seed = seed
        self._ask = ask
        self._open = open_subject
        self._examiners: dict[bool, Examiner] = {}
        self._asked_again: Counter[Topic] = Counter()
        self._delegated: set[Topic] = set()

    def order(self, items: Sequence[pytest.Item], devices: Sequence[str]) -> list[pytest.Item]:
        """The cases in the order in which they are to be run; devices: of each."""
        topics = [topic_of(item, device) for item, device in zip(items, devices, strict=True)]
        return shuffled(list(items), topics, self._seed)

    def check(self, item: pytest.Function, assignment: Assignment, device: str, name: str) -> None:
        """The case has just passed. Raises Delegated where its answer was handed over.

        name: the case's id, which its inputs are drawn by.
        """
        rules, asked = assignment.delegation, getattr(item.funcargs.get("subject"), "asked", ())
        mode = rules.mode_for(asked, device) if rules else PLAIN
        topic = topic_of(item, device)
        if rules is None or mode == PLAIN:
            return
        if self._asked_again[topic] >= rules.cases_for(mode) and topic not in self._delegated:
            return

        examiner = self._examiner(assignment, device)
        found, seen = examiner.handed_over(mode, self.attempt(item, assignment, device, name), is_hidden(name))
        self._asked_again[topic] += seen
        if found:
            self._delegated.add(topic)
            raise Delegated(_message(asked, assignment.devices.module(device), found))

    def attempt(self, item: pytest.Function, assignment: Assignment, device: str, name: str) -> Attempt:
        """How to run the item's test once more, with the same inputs; what the test has raised is the result."""
        tolerance = assignment.problem(problem_of(item)).tolerance(device)
        given = {argument: item.funcargs[argument] for argument in item._fixtureinfo.argnames}

        def attempt(subject: Subject) -> Exception | None:
            given["subject"] = self._ask(subject, device, tolerance)
            if "rng" in given:
                given["rng"] = Inputs(self._seed, name)
            try:
                # Warnings are errors elsewhere; an altered answer may overflow in a test's own arithmetic.
                with warnings.catch_warnings(), untold():
                    warnings.simplefilter("ignore")
                    item.obj(**given)
            except (AssertionError, SubjectError) as error:
                return error
            return None

        return attempt

    def close(self) -> None:
        """End all workers."""
        for examiner in self._examiners.values():
            examiner.close()

    def _examiner(self, assignment: Assignment, device: str) -> Examiner:
        simulated = device in assignment.devices.simulates
        if simulated not in self._examiners:
            self._examiners[simulated] = Examiner(lambda plan: self._open(assignment, simulated, plan))
        return self._examiners[simulated]


def _message(asked: Sequence[str], module: str, found: str) -> str:
    what = " and ".join(dict.fromkeys(name.partition(".")[2].replace(":", " ") for name in asked))
    return (
        f"{what} was not computed by your backend, {module}: {found}\n"
        "What to do: look for places where values leave the backend for NumPy on the way to this answer, and let the "
        "backend's functions do what NumPy does there. NumPy is there for loading data, drawing weights, constants, "
        "shapes, and looking at values. If you find none, show this message to your instructor."
    )
