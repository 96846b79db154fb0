"""What a test gets as its `subject`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from grader.delegation.rules import asked_for
from grader.findings import note_call
from grader.subject.client import Subject
from grader.subject.outcome import Answer, question_of, values_of
from grader.subject.question import Probe
from grader.tolerance import DEFAULT, Tolerance


class Ask:
    """`subject(probe, *args, **kwargs)`: the probe's answer, computed beside the submission on the case's device."""

    def __init__(self, subject: Subject, device: str, tolerance: Tolerance = DEFAULT) -> None:
        """tolerance: how near right answers are, of the case's problem on this device."""
        self._subject = subject
        self._device = device
        self._tolerance = tolerance
        self.asked: list[str] = []  # so far, as delegation.rules.asked_for names it

    def __call__(self, probe: Probe, *args: Any, **kwargs: Any) -> Answer:
        self.asked.append(asked_for(probe, args))
        note_call(probe, self._device, args, kwargs)
        answer = self._subject.ask(probe, self._device, args, kwargs)
        return Answer(replace(question_of(answer), tolerance=self._tolerance), values_of(answer))
