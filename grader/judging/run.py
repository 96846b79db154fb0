"""One run of a suite: what is collected, in which order it is run, and the tree that it is run on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from grader import devices
from grader.delegation.plugin import DelegationCheck
from grader.errors import GraderError, UsageError
from grader.findings import gathered
from grader.judge import OWN_SUITE
from grader.judging.cases import (
    case_id,
    case_of,
    device_of,
    has_device,
    is_case,
    is_submission,
    problem_of,
)
from grader.judging.choice import Choice
from grader.judging.own_code import OwnCode
from grader.judging.tracing import Tracing
from grader.judging.tree import TreeUnderTest
from grader.judging.verdicts import FOUND, OUR_FAULT, Verdicts
from grader.subject.ask import Ask
from grader.submission.cases import FILE, PREFIX, client_is_here, submitted_problem


class Run:
    """One run of a suite over a tree; inert while no case and no submission is collected."""

    def __init__(self, config: pytest.Config) -> None:
        self.choice = Choice(config)
        self.tree = TreeUnderTest(self.choice)
        self.tracing = Tracing(self.tree.open_traced)
        self.verdicts = Verdicts(self.choice, self.tracing)
        self.delegation = DelegationCheck(config.getoption("seed"), self.tree.open_planned, Ask)

    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> bool | None:
        """The course's client collects submit_* from everything it finds: importing the tests alone takes seconds.

        What the command line names is never asked about here.
        """
        if not any(pattern.startswith(PREFIX) for pattern in config.getini("python_functions")):
            return None
        # Another assignment's file has the same name: Python cannot import both into one process.
        return True if collection_path.suffix == ".py" and collection_path != OWN_SUITE / FILE else None

    @pytest.hookimpl
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """A test that takes `device` becomes a case per device, first in its id: [cpu-...]."""
        if "device" in metafunc.fixturenames and metafunc.definition.get_closest_marker("problem"):
            assignment = self.choice.assignment_of(metafunc.definition.path)
            metafunc.parametrize("device", self.choice.chosen_devices(assignment))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """-k also selects by problem, alias and bucket; the keywords must be there before it looks."""
        for assignment in self.choice.assignments.values():
            # Here and not where the devices are first used: there pytest would bury it in a traceback, once a file.
            try:
                devices.check_choice(assignment, self.choice.chosen_devices(assignment), self.choice.checks)
                if self.choice.in_process:
                    devices.check_one_build(assignment, self.choice.chosen_devices(assignment))
            except UsageError as error:
                raise pytest.UsageError(str(error)) from None
        wanted = set(self.choice.config.getoption("problem") or ())
        dropped = []
        for item in items:
            if name := problem_of(item):
                assignment = self.choice.assignment_of(item.path)
                problem = assignment.problem(name)
                item.extra_keyword_matches.update({problem.name, problem.bucket, *problem.aliases})
                if (wanted and problem.name not in wanted) or not has_device(item, assignment):
                    dropped.append(item)
                if not is_case(item):
                    # The course's client is not ours: a warning of its own must not cost a student the submission.
                    item.add_marker(pytest.mark.filterwarnings("default"))
        if dropped:
            self.choice.config.hook.pytest_deselected(items=dropped)
            items[:] = [item for item in items if item not in set(dropped)]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        cases = [case_of(item, self.choice.assignment_of(item.path)) for item in session.items if is_case(item)]
        if self.watches_delegation:  # the run's own order, which the list of cases does not show
            session.items[:] = self.delegation.order(session.items, list(map(device_of, session.items)))
        submitted = [submitted_problem(item) for item in session.items if is_submission(item)]
        self.verdicts.emit({"event": "collected", "cases": [asdict(case) for case in cases], "submissions": submitted})

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Stage and compile the tree before the first case, and say so: the first time it takes 20 seconds."""
        cases = [item for item in session.items if problem_of(item)]
        if not cases or self.choice.config.option.collectonly:
            return
        self.choice.submitting = all(map(is_submission, cases))
        if self.verdicts.events is None and not client_is_here() and any(map(is_submission, cases)):
            raise pytest.UsageError("submit_* functions post nothing by themselves; run `python submit.py` instead.")
        assignment = self.choice.assignment_of(cases[0].path)
        reporter = self.choice.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and not self.choice.config.getoption("prepared"):
            for sentence in devices.explain(assignment, self.choice.config.getoption("device") or ()):
                reporter.write_line(f"grader: {sentence}")
            reporter.write_line(f"grader: preparing {self.choice.config.getoption('tree')} ...")
        try:
            tree = self.tree.prepare(assignment)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        except GraderError as error:
            pytest.exit(f"the harness is at fault: {error}", OUR_FAULT)
        if tree.fault is not None and self.verdicts.events is None:
            pytest.exit(tree.fault, pytest.ExitCode.TESTS_FAILED)  # said once to a person, not once a case
        unbuilt = [tree.unbuilt.get(device) for device in self.choice.devices_in_use(assignment)]
        if self.verdicts.events is None and all(unbuilt):
            pytest.exit("\n".join(filter(None, unbuilt)), pytest.ExitCode.TESTS_FAILED)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Any:
        """What a case found is kept; one that passed is asked again where its answer might have been handed over."""
        with gathered() as pyfuncitem.stash[FOUND]:
            result = yield
        if is_case(pyfuncitem) and self.watches_delegation:
            assignment = self.choice.assignment_of(pyfuncitem.path)
            self.delegation.check(pyfuncitem, assignment, device_of(pyfuncitem), case_id(pyfuncitem))
        return result

    @property
    def watches_delegation(self) -> bool:
        """Where a debugger may sit, only `repro` does: its verdict is to be the one that it explains."""
        return not self.choice.in_process or bool(self.choice.config.getoption("show_calls"))

    @pytest.hookimpl(tryfirst=True)  # before the terminal tells what failed
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """The submission's own lines behind wrong answers; a run that was ended early has none."""
        tree = self.tree.tree
        if self.choice.in_process or tree is None or exitstatus != pytest.ExitCode.TESTS_FAILED:
            return
        for assignment in self.choice.assignments.values():
            own = OwnCode(tree.root, assignment.parts)
            found = dict(self.tracing.lines(assignment, own))
            contrasts = dict(self.tracing.contrasts())
            for case in {**found, **contrasts}:
                self.verdicts.tell_more(case, contrasts.get(case, ""), found.get(case, ()))

    def pytest_unconfigure(self) -> None:
        self.tracing.close()
        self.delegation.close()
        self.tree.close()
