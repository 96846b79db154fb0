"""Asking some questions of a run once more, to see which of the submission's functions run for them.

A question stands for its kind: a test, and what it asks for ("ops.forward:matmul"). A problem in which nothing was
answered wrongly costs nothing; of any other, a few kinds are asked again at the end, by a worker of their own. No
verdict and no time limit depends on it: whatever goes wrong there, only the lines are missing.

Hidden cases are kept apart. The lines and the contrast of a case that students are shown come from such cases alone,
and from a worker that has been asked no others: it could choose by what it saw which lines it says have run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.assignment import Assignment
from grader.delegation.rules import asked_for
from grader.evidence import Lines
from grader.findings import Call
from grader.judging.contrast import Told, contrast, features
from grader.judging.own_code import OwnCode
from grader.judging.suspicion import Suspicion, Trace
from grader.subject.client import IsolatedSubject
from grader.subject.outcome import SubjectError, values_of
from grader.suite import is_hidden

FAILED, PASSED = 64, 24  # kinds of a problem that are asked again
LARGEST = 1 << 18  # numbers that a question of a kind that passed may hold: training is not worth its time
PATIENCE = 3  # questions of a problem without an answer, after which it is asked nothing more
TOLD = 1024  # functions that are believed to have run for a question: no tree of a student's has as many

Open = Callable[[Assignment, bool], IsolatedSubject]
Key = tuple[str, ...]  # a kind's


@dataclass
class _Kind:
    """Cases of a test that ask alike."""

    calls: Sequence[Call]  # of the case with the smallest input among those whose verdict is the kind's
    size: int  # numbers in that
    failed: bool  # whether any of its cases was answered wrongly
    about: frozenset[str] = frozenset()  # words of its test's name, and of what was wrong
    cases: list[str] = field(default_factory=list)  # ids of those that were


class Tracing:
    """The kinds of a run."""

    def __init__(self, open_subject: Open) -> None:
        """open_subject: (assignment, whether its device simulates another) -> a worker of its own, not yet started."""
        self._open = open_subject
        self._told: defaultdict[Key, dict[str, Told]] = defaultdict(dict)  # by test: cases by id
        # By whether they are hidden, and by problem.
        self._kinds: defaultdict[tuple[bool, str], dict[Key, _Kind]] = defaultdict(dict)
        self._subjects: dict[bool, IsolatedSubject] = {}
        self._unanswered = 0

    def note(self, problem: str, function: str, case: str, calls: Sequence[Call], wrong: str | None) -> None:
        """A case has been answered.

        function: the name of its test's. case: its id, which begins with the test's file: two files may well have
        functions of one name, and one of the files be hidden. wrong: the name of what was wrong; None for nothing.
        """
        if not calls:
            return
        test = case.partition("[")[0]
        self._told[problem, test][case] = Told(wrong is not None, features(calls))
        key = (test, *(asked_for(call.probe, call.args) for call in calls[:2]))
        size = sum(_size([call.args, call.kwargs]) for call in calls)
        kinds, failed = self._kinds[is_hidden(case), problem], wrong is not None
        kind = kinds.get(key)
        if kind is None or (failed and not kind.failed):
            kind = kinds[key] = _Kind(calls, size, failed)
        elif failed == kind.failed and size < kind.size:
            kind.calls, kind.size = calls, size
        if wrong is not None:
            kind.cases.append(case)
            kind.about = frozenset([*function.split("_")[1:], *(["backward"] if "grad" in wrong else [])])

    def contrasts(self) -> Iterator[tuple[str, str]]:
        """(id of a case that was answered wrongly, what sets it and its like apart from those answered rightly)."""
        for cases in self._told.values():
            if words := contrast(list(cases.values())):
                yield from ((case, words) for case, told in cases.items() if told.failed)

    def lines(self, assignment: Assignment, own: OwnCode) -> Iterator[tuple[str, tuple[Lines, ...]]]:
        """(id of a case that was answered wrongly, the submission's own lines behind it)."""
        for hidden, problem in sorted(self._kinds, key=lambda key: key[0]):  # in the run's order, the hidden ones last
            kinds = self._kinds[hidden, problem].values()
            failed = [kind for kind in kinds if kind.failed][:FAILED]
            passed = [kind for kind in kinds if not kind.failed and kind.size <= LARGEST][:PASSED]
            if not failed:
                continue
            self._begin()
            traces = {id(kind): self._trace(kind, assignment, own) for kind in (*failed, *passed)}
            suspicion = Suspicion(own, problem, [trace for trace in traces.values() if trace is not None])
            for kind in failed:
                trace = traces[id(kind)]
                found = suspicion.likeliest(trace, kind.about) if trace is not None else ()
                yield from ((case, found) for case in kind.cases if found)

    def _begin(self) -> None:
        """Nothing that was asked before may show in what is told now, nor how many judges share the run."""
        self._unanswered = 0
        for subject in self._subjects.values():
            subject.renew()

    def close(self) -> None:
        """End the workers."""
        for subject in self._subjects.values():
            subject.close()

    def _trace(self, kind: _Kind, assignment: Assignment, own: OwnCode) -> Trace | None:
        functions: set[Lines] = set()
        for call in kind.calls:
            ran = self._ask(call, assignment)
            if ran is None:
                return None
            functions.update(_functions(ran, own))
            if source := assignment.layout.modules.get(assignment.devices.module(call.device)):
                functions.update(own.natives(source, [name for name in ran["natives"][:TOLD] if isinstance(name, str)]))
        return Trace(kind.failed, frozenset(functions))

    def _ask(self, call: Call, assignment: Assignment) -> dict[str, Any] | None:
        """What ran, as the worker tells it; None where it does not, or not in the way it should."""
        if self._unanswered >= PATIENCE:
            return None
        simulated = call.device in assignment.devices.simulates
        if simulated not in self._subjects:
            self._subjects[simulated] = self._open(assignment, simulated)
        try:
            told = values_of(self._subjects[simulated].trace(call.probe, call.device, call.args, call.kwargs))
        except SubjectError:
            self._unanswered += 1
            return None
        ran = {name: told.get(name) for name in ("functions", "natives")}
        return ran if all(isinstance(value, list) for value in ran.values()) else None


def _functions(ran: dict[str, Any], own: OwnCode) -> Iterator[Lines]:
    for place in ran["functions"][:TOLD]:
        if isinstance(place, list) and [type(item) for item in place] == [str, int]:
            found = own.function(*place)
            if found is not None:
                yield found


def _size(value: Any) -> int:
    """How many numbers and words are in it, at any depth."""
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, dict):
        return _size(list(value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(_size, value))
    return 1
