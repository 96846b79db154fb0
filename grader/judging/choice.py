"""What a run was asked for on pytest's command line, and of which assignments its cases are."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import devices
from grader.assignment import Assignment, load_assignment


class Choice:
    """The options of a run, as the suite needs them."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.assignments: dict[Path, Assignment] = {}
        self.submitting = False  # whether nothing but submissions is run

    @property
    def in_process(self) -> bool:
        """Whether the submission runs in this process, and not in a worker."""
        return bool(self.config.getoption("isolation") == "none")

    def assignment_of(self, path: Path) -> Assignment:
        """The assignment whose suite holds the test file `path`."""
        if path.parent not in self.assignments:
            self.assignments[path.parent] = load_assignment(path.parent)
        return self.assignments[path.parent]

    def chosen_devices(self, assignment: Assignment) -> tuple[str, ...]:
        return devices.choose(assignment, self.config.getoption("device") or ())

    @property
    def checks(self) -> tuple[str, ...]:
        """What simulated devices watch for."""
        return tuple(dict.fromkeys(self.config.getoption("check") or ()))

    def devices_in_use(self, assignment: Assignment) -> tuple[str, ...]:
        """The devices that something is asked of."""
        return (submission_device(assignment),) if self.submitting else self.chosen_devices(assignment)


def submission_device(assignment: Assignment) -> str:
    """The device that submission cases run on: the first one graded, which every machine has."""
    return assignment.devices.graded[0]
