"""What a test raises becomes a verdict, for pytest's own report and for whoever reads the events.

nothing                      pass
Mismatch, AssertionError     fail     the submission answered wrongly
SubjectError                 error    the submission gave no answer
skipped by the device        not run
anything else                a fault of ours: the run stops with exit status 3, and there is no score
"""

from __future__ import annotations

import json
import os
import shlex
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.evidence import Evidence, FirstPictures, Lines, to_json
from grader.findings import Findings
from grader.judge import OWN_SUITE, ROOT
from grader.judging.cases import case_id, case_of, device_of, is_case, is_submission, problem_of
from grader.judging.choice import Choice
from grader.judging.message import evidence_of, told, with_more
from grader.judging.tracing import Tracing
from grader.subject.outcome import SubjectError
from grader.verdict import LOST, Verdict

OUR_FAULT = 3
FOUND = pytest.StashKey[Findings]()  # what the comparisons of an item found


@dataclass(frozen=True)
class _Lost:
    """A case that was lost, as it was told."""

    report: pytest.TestReport
    message: str
    evidence: Evidence  # no more of it than with_more needs: there is one of these a lost case, until the run ends


class Verdicts:
    """Tells a verdict a case; registered as a plugin of its own."""

    def __init__(self, choice: Choice, tracing: Tracing) -> None:
        """tracing: is told of every case that was answered, rightly or wrongly."""
        self._choice = choice
        self._tracing = tracing
        self._lost: dict[str, _Lost] = {}  # by id
        self._pictures = FirstPictures()
        descriptor = choice.config.getoption("events")
        self.events = None
        if descriptor is not None:
            os.set_inheritable(descriptor, False)  # neither a compiler nor a worker may write verdicts
            self.events = os.fdopen(descriptor, "w", encoding="utf-8")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        if is_case(item) and call.excinfo is not None and self._choice.config.getoption("isolation") == "worker":
            # Rendering a traceback takes 50 ms, a minute for a tree that fails every case, and shows nothing but ours.
            item.repr_failure = lambda excinfo, style=None: str(excinfo.value)  # type: ignore[method-assign]
        report = yield
        error = call.excinfo.value if call.excinfo is not None else None
        if is_submission(item) and error is not None:
            self._report_submission(item, report, error)
        if not is_case(item):
            return report
        if error is not None and not isinstance(error, (AssertionError, SubjectError, pytest.skip.Exception)):
            if not isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
                self._stop_for_our_fault(item, error)
        elif call.when == "call" or error is not None:
            verdict, message = judged(error)
            found = item.stash.get(FOUND, Findings())  # nothing where a fixture raised
            item.stash[FOUND] = Findings()  # what was asked is large, and an item lives as long as the run
            evidence = self._evidence(item, error, found)
            if self.events is None and message.startswith("importing the tree ") and verdict is Verdict.ERROR:
                pytest.exit(message, pytest.ExitCode.TESTS_FAILED)  # said once to a person, not once a case
            if error is not None and verdict in LOST:
                message = told(error, found, evidence)
                kept = Evidence(section=evidence.section, command=evidence.command)
                self._lost[case_id(item)] = _Lost(report, message, kept)
                if self._choice.config.getoption("isolation") == "worker":
                    report.longrepr = message  # the harness's own frames would only bury it
            self._note(item, found, evidence, error)
            item.user_properties += [("verdict", verdict.value), ("message", message)]
            self.emit({"event": "verdict", "id": case_id(item), "verdict": verdict.value, "message": message,
                       "seconds": call.duration, "evidence": to_json(evidence)})  # fmt: skip
        return report

    def _evidence(self, item: pytest.Item, error: BaseException | None, found: Findings) -> Evidence:
        assignment = self._choice.assignment_of(item.path)
        case, handout = case_of(item, assignment), assignment.handout
        section = handout.place(assignment.problem(case.problem), _function(item)) if handout else ""
        return self._pictures.of(case.id, evidence_of(error, found, case.title, section, self._command(item)))

    def _note(self, item: pytest.Item, found: Findings, evidence: Evidence, error: BaseException | None) -> None:
        """The case counts for what is told once all are judged, if it came to an answer."""
        if isinstance(error, pytest.skip.Exception) or (isinstance(error, SubjectError) and not error.answered):
            return
        # An exception that came through the submission has told its lines already.
        wrong = None if error is None else evidence.wrong.name if evidence.wrong is not None else ""
        problem = self._choice.assignment_of(item.path).problem(problem_of(item)).name
        self._tracing.note(problem, _function(item), case_id(item), found.calls, wrong)

    def tell_more(self, case: str, contrast: str, own: tuple[Lines, ...]) -> None:
        """What is known of a lost case once all cases are: what sets it apart, and the submission's lines behind it."""
        lost = self._lost[case]
        message = with_more(lost.message, lost.evidence, contrast, own)
        if self._choice.config.getoption("isolation") == "worker":
            lost.report.longrepr = message
        self.emit({"event": "more", "id": case, "message": message,
                   "evidence": to_json(Evidence(contrast=contrast, own=own))})  # fmt: skip

    def _report_submission(self, item: pytest.Item, report: pytest.TestReport, error: BaseException) -> None:
        """What ended a submission early: told to the course's client; for our own driver it can only be our fault."""
        if isinstance(error, SubjectError):
            report.longrepr = str(error)  # the harness's own frames would only bury it
        elif self.events is not None and not isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
            self._stop_for_our_fault(item, error)

    def _command(self, item: pytest.Item) -> str:
        """What repeats the case."""
        tree, seed = shlex.quote(str(self._choice.config.getoption("tree"))), self._choice.config.getoption("seed")
        assignment = self._choice.assignment_of(item.path)
        simulated = device_of(item) in assignment.devices.simulates
        options = "".join(f" --check {check}" for check in self._choice.checks if simulated)
        if assignment.suite != OWN_SUITE:
            options += f" --suite {shlex.quote(str(_from_here(assignment.suite)))}"
        return f"python -m grader repro '{case_id(item)}' {tree} --seed {seed}{options}"

    def _stop_for_our_fault(self, item: pytest.Item, error: BaseException) -> None:
        self.emit({"event": "fault", "id": case_id(item), "message": f"{type(error).__name__}: {error}"})
        text = "".join(traceback.format_exception(error))
        raise pytest.exit.Exception(f"the harness is at fault in {case_id(item)}\n{text}", returncode=OUR_FAULT)

    def emit(self, event: dict[str, Any]) -> None:
        if self.events is not None:
            self.events.write(json.dumps(event) + "\n")
            self.events.flush()

    def pytest_unconfigure(self) -> None:
        if self.events is not None:
            self.events.close()


def _function(item: pytest.Item) -> str:
    """The name of its test's function."""
    return str(getattr(item, "originalname", None) or item.name)


def _from_here(path: Path) -> Path:
    """A path in the checkout as somebody in its folder would write it; any other as it is."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def judged(error: BaseException | None) -> tuple[Verdict, str]:
    """The verdict on what a test raised, and its message."""
    if error is None:
        return Verdict.PASS, ""
    if isinstance(error, SubjectError):
        return Verdict.ERROR, str(error)
    if isinstance(error, pytest.skip.Exception):
        return Verdict.NOT_RUN, str(error)
    return Verdict.FAIL, str(error)
