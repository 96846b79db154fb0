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
from pathlib import Path
from typing import Any

import pytest

from grader.judge import OWN_SUITE, ROOT
from grader.judging.cases import case_id, device_of, is_case, is_submission
from grader.judging.choice import Choice
from grader.subject.outcome import SubjectError
from grader.verdict import Verdict

OUR_FAULT = 3


class Verdicts:
    """Tells a verdict a case; registered as a plugin of its own."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
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
            if self.events is None and message.startswith("importing the tree ") and verdict is Verdict.ERROR:
                pytest.exit(message, pytest.ExitCode.TESTS_FAILED)  # said once to a person, not once a case
            if verdict in (Verdict.FAIL, Verdict.ERROR):
                message += f"\n{self._repro_hint(item)}"
                if self._choice.config.getoption("isolation") == "worker":
                    report.longrepr = message  # the harness's own frames would only bury it
            item.user_properties += [("verdict", verdict.value), ("message", message)]
            self.emit({"event": "verdict", "id": case_id(item), "verdict": verdict.value, "message": message,
                       "seconds": call.duration})  # fmt: skip
        return report

    def _report_submission(self, item: pytest.Item, report: pytest.TestReport, error: BaseException) -> None:
        """What ended a submission early: told to the course's client; for our own driver it can only be our fault."""
        if isinstance(error, SubjectError):
            report.longrepr = str(error)  # the harness's own frames would only bury it
        elif self.events is not None and not isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
            self._stop_for_our_fault(item, error)

    def _repro_hint(self, item: pytest.Item) -> str:
        tree, seed = shlex.quote(str(self._choice.config.getoption("tree"))), self._choice.config.getoption("seed")
        assignment = self._choice.assignment_of(item.path)
        simulated = device_of(item) in assignment.devices.simulates
        options = "".join(f" --check {check}" for check in self._choice.checks if simulated)
        if assignment.suite != OWN_SUITE:
            options += f" --suite {shlex.quote(str(_from_here(assignment.suite)))}"
        return f"Run: python -m grader repro '{case_id(item)}' {tree} --seed {seed}{options}"

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
