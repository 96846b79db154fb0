"""A pytest plugin that asks every case again, in every way, and tells what it found; for test_delegation_suite.py.

With `-p delegation_survey` nothing is sampled: of each case that an assignment.toml has asked again, it writes whether
a tree that computes with its own backend would be believed, and whether one that leaves all to NumPy would be found.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from grader.delegation.masked import MaskedSubject
from grader.delegation.modes import KERNELS, MODES, PLAIN
from grader.delegation.plugin import DelegationCheck
from grader.delegation.topics import Topic, shuffled, topic_of
from grader.judging.cases import device_of
from grader.subject.ask import Ask
from grader.subject.perturbation import Plan
from grader.suite import is_hidden


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option `--survey`."""
    parser.addoption("--survey", help="the file that findings are written to, one line of JSON a case")
    parser.addoption("--survey-each", type=int, help="only so many cases of a topic, drawn by the seed")
    parser.addoption("--survey-mode", action="append", help="only these modes, whatever assignment.toml says")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take the place of the run's own check."""
    run = config.pluginmanager.get_plugin("grader-run")
    assert run is not None
    run.delegation = Survey(run, Path(config.getoption("survey")))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop what is beyond the number of cases that a topic may have."""
    each, seen = config.getoption("survey_each"), Counter[Topic]()
    if each is None:
        return
    kept = []
    topics = [topic_of(item, device_of(item)) for item in items]
    for item in shuffled(items, topics, config.getoption("seed")):
        topic = topic_of(item, device_of(item))
        seen[topic] += 1
        if seen[topic] <= each:
            kept.append(item)
    items[:] = kept


class Survey(DelegationCheck):
    """Asks every case again."""

    def __init__(self, run: Any, file: Path) -> None:
        super().__init__(run.choice.config.getoption("seed"), run.tree.open_planned, Ask)
        self._run, self._file = run, file.open("w", encoding="utf-8")
        self._subjects: dict[str, MaskedSubject] = {}

    def check(self, item: pytest.Function, assignment: Any, device: str, name: str) -> None:
        """See DelegationCheck; nothing is raised here."""
        asked = item.funcargs["subject"].asked if "subject" in item.funcargs else []
        mode = assignment.delegation.mode_for(asked, device)
        wanted = self._run.choice.config.getoption("survey_mode")
        found: dict[str, Any] = {"case": name, "mode": mode, "asked": asked}
        for tried in wanted or ([mode] if mode != PLAIN else []):
            attempt = self.attempt(item, assignment, device, name)
            subject = self._subject(tried, assignment, device, tried)
            subject.forget()
            failure = attempt(subject)
            found[tried] = None if failure is None else f"{type(failure).__name__}: {failure}"[:300]
            if tried != KERNELS:
                found["sees"] = subject.saw_values
                # A worker that is not in on it stands for a tree in which NumPy does everything.
                failure = attempt(self._subject(tried, assignment, device, PLAIN))
                found[f"numpy {tried}"] = None if failure is None else f"{type(failure).__name__}"
        if mode != PLAIN and (found.get(mode) is None) == (mode == KERNELS):
            examiner, attempt = self._examiner(assignment, device), self.attempt(item, assignment, device, name)
            found["accused"] = examiner.handed_over(mode, attempt, is_hidden(name))[0]
        self._file.write(json.dumps(found) + "\n")
        self._file.flush()

    def close(self) -> None:
        """See DelegationCheck."""
        super().close()
        for subject in self._subjects.values():
            subject.close()
        self._file.close()

    def _subject(self, mode: str, assignment: Any, device: str, worker: str) -> MaskedSubject:
        key = f"{mode} {worker}"
        if key not in self._subjects:
            assert mode in MODES
            plan = Plan.drawn(mode)
            inner = plan if worker == mode else Plan.drawn(worker)
            self._subjects[key] = MaskedSubject(self._open(assignment, False, inner), plan)
        return self._subjects[key]
