"""What a test gets as its `subject`."""

from __future__ import annotations

from typing import Any

from grader.delegation.rules import asked_for
from grader.subject.client import Subject
from grader.subject.outcome import Answer
from grader.subject.question import Probe


class Ask:
    """`subject(probe, *args, **kwargs)`: the probe's answer, computed beside the submission on the case's device."""

    def __init__(self, subject: Subject, device: str) -> None:
        self._subject = subject
        self._device = device
        self.asked: list[str] = []  # so far, as delegation.rules.asked_for names it

    def __call__(self, probe: Probe, *args: Any, **kwargs: Any) -> Answer:
        self.asked.append(asked_for(probe, args))
        return self._subject.ask(probe, self._device, args, kwargs)
