"""A submission in the judging process itself, so that a student can set a breakpoint. No grade is made this way."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grader.assignment import Assignment
from grader.build import BuiltTree
from grader.checks import environment as checks_environment
from grader.subject import protocol
from grader.subject.outcome import IMPORTING, Answer, raised
from grader.subject.question import Probe, Question, describe
from grader.subject.worker import Runner


class InProcessSubject:
    """A built tree imported into this very process, for a debugger. It protects nothing: no grade is made with it."""

    def __init__(
        self, assignment: Assignment, tree: BuiltTree, *, simulated: bool = False, checks: Sequence[str] = ()
    ) -> None:
        """simulated, checks: see IsolatedSubject. A process can hold one build of a module, for ever."""
        self._assignment = assignment
        layout = assignment.layout
        self._runner = Runner(str(tree.root), layout.paths, tree.loaded(simulated=simulated), "probes")
        self._loaded = False
        os.environ.update(checks_environment(checks))

    def ask(self, probe: Probe, device: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Answer:
        """See Subject. Values make the same round trip as over the wire, so that a probe behaves alike."""
        question = describe(probe, args, kwargs)
        with self._explained(IMPORTING):
            if not self._loaded:
                self._runner.load()
                self._loaded = True
        sent = round_trip({"args": list(args), "kwargs": dict(kwargs)})
        name = f"{probe.__module__}:{probe.__qualname__}"
        with self._explained(question):
            value = self._runner.call(name, device, sent["args"], sent["kwargs"])
        return Answer(question, round_trip(value))

    def renew(self) -> None:
        """Modules cannot be unloaded from a process: everything stays."""

    def close(self) -> None:
        """Nothing to let go of."""

    @contextlib.contextmanager
    def _explained(self, question: Question) -> Iterator[None]:
        try:
            yield
        except (Exception, SystemExit) as error:
            body = self._runner.describe(error)
            raise raised(question, body, self._assignment.limits.memory_mib) from error


def round_trip(value: Any) -> Any:
    """The value as it arrives at the other end of the wire: tuples as lists, arrays compact."""
    frame = memoryview(protocol.encode("value", value))
    position = 0

    def read(size: int) -> bytes:
        nonlocal position
        position += size
        return bytes(frame[position - size : position])

    return protocol.decode(read)[1]
