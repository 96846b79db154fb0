"""The suite under pytest: its options, its fixtures (subject, rng, device), and a verdict for every case.

pytest runs in the judging process, which never imports a submission. A test asks its `subject` and compares the answer
with an oracle's. What a test raises decides the verdict:

    nothing                      pass
    Mismatch, AssertionError     fail     the submission answered wrongly
    SubjectError                 error    the submission gave no answer
    skipped by the device        not run
    anything else                a fault of ours: the run stops with exit status 3, and there is no score

The functions submit_<problem> of a suite's test_submission.py are no tests and have no verdict: with
`-o python_functions=submit_*` they hand the answers to their cases on; see grader/submission/cases.py.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import tempfile
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from grader import devices
from grader.assignment import Assignment, load_assignment
from grader.build import BuiltTree, prepare
from grader.errors import GraderError, UsageError
from grader.inputs import FixedInputs, Inputs
from grader.judge import OWN_SUITE, ROOT
from grader.sandbox import open_sandbox
from grader.subject.client import IsolatedSubject, Subject
from grader.subject.inprocess import InProcessSubject
from grader.subject.outcome import Answer, SubjectError
from grader.subject.question import Probe
from grader.subject.showing import ShowingSubject
from grader.submission.cases import (
    FILE,
    PREFIX,
    Submit,
    SubmitByClient,
    SubmitByEvents,
    client_is_here,
    submitted_problem,
)
from grader.verdict import Case, Verdict

OUR_FAULT = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("grader", "grading a tree")
    group.addoption("--tree", help="the tree to test, a folder or an archive (default: student)", default="student")
    group.addoption("--prepared", help="a tree that is staged and built already, as JSON (used by `grader grade`)")
    group.addoption("--device", action="append", help="a device to test on; may be repeated (default: those graded)")
    group.addoption(
        "--check",
        action="append",
        help="memory or race: what a simulated device watches for; may be repeated",
    )
    group.addoption("--seed", type=int, help="repeat the run with this seed (default: a new one, printed)")
    group.addoption(
        "--isolation",
        choices=("worker", "none"),
        default="worker",
        help="where the submission runs: in a process of its own, or in this one for a debugger",
    )
    group.addoption("--sandbox", default="none", help="the kind of box around the worker")
    group.addoption("--problem", action="append", help="only the cases of this problem; may be repeated")
    group.addoption("--show-calls", action="store_true", help="print what the tree is asked, and its answers (with -s)")
    group.addoption("--events", type=int, help="a file descriptor for one JSON line per case (used by `grader grade`)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "problem(name, weight=1, devices=None): the problem whose points this test decides; devices: those that have "
        "what it tests, where not all do",
    )
    if config.getoption("seed") is None:
        config.option.seed = secrets.randbelow(1 << 31)
    try:
        open_sandbox(config.getoption("sandbox"))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(_Run(config), "grader-run")


def pytest_report_header(config: pytest.Config) -> str:
    return f"grader: tree {config.getoption('tree')}, seed {config.getoption('seed')}"


class _Run:
    """One run of a suite over a tree; inert while no case and no submission is collected."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.assignments: dict[Path, Assignment] = {}
        self.tree: BuiltTree | None = None
        self.subjects: dict[bool, Subject] = {}  # for simulated devices (True), and for all others
        self.subject_problems: dict[bool, str] = {}  # which problem each served last
        self.workspace: tempfile.TemporaryDirectory[str] | None = None
        self.absent: dict[str, str | None] = {}
        self.submitting = False  # whether nothing but submissions is run
        descriptor = config.getoption("events")
        self.events = None
        if descriptor is not None:
            os.set_inheritable(descriptor, False)  # neither a compiler nor a worker may write verdicts
            self.events = os.fdopen(descriptor, "w", encoding="utf-8")

    @property
    def in_process(self) -> bool:
        """Whether the submission runs in this process, and not in a worker."""
        return bool(self.config.getoption("isolation") == "none")

    # -- collection ----------------------------------------------------------------------------------------------

    def assignment_of(self, path: Path) -> Assignment:
        """The assignment whose suite holds the test file `path`."""
        if path.parent not in self.assignments:
            self.assignments[path.parent] = load_assignment(path.parent)
        return self.assignments[path.parent]

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
            metafunc.parametrize("device", self.chosen_devices(self.assignment_of(metafunc.definition.path)))

    def chosen_devices(self, assignment: Assignment) -> tuple[str, ...]:
        return devices.choose(assignment, self.config.getoption("device") or ())

    @property
    def checks(self) -> tuple[str, ...]:
        """What simulated devices watch for."""
        return tuple(dict.fromkeys(self.config.getoption("check") or ()))

    def devices_in_use(self, assignment: Assignment) -> tuple[str, ...]:
        """The devices that something is asked of."""
        return (submission_device(assignment),) if self.submitting else self.chosen_devices(assignment)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """-k also selects by problem, alias and bucket; the keywords must be there before it looks."""
        for assignment in self.assignments.values():
            # Here and not where the devices are first used: there pytest would bury it in a traceback, once a file.
            try:
                devices.check_choice(assignment, self.chosen_devices(assignment), self.checks)
                if self.in_process:
                    devices.check_one_build(assignment, self.chosen_devices(assignment))
            except UsageError as error:
                raise pytest.UsageError(str(error)) from None
        wanted = set(self.config.getoption("problem") or ())
        dropped = []
        for item in items:
            if name := problem_of(item):
                problem = self.assignment_of(item.path).problem(name)
                item.extra_keyword_matches.update({problem.name, problem.bucket, *problem.aliases})
                if (wanted and problem.name not in wanted) or not has_device(item, self.assignment_of(item.path)):
                    dropped.append(item)
                if not is_case(item):
                    # The course's client is not ours: a warning of its own must not cost a student the submission.
                    item.add_marker(pytest.mark.filterwarnings("default"))
        if dropped:
            self.config.hook.pytest_deselected(items=dropped)
            items[:] = [item for item in items if item not in set(dropped)]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        cases = [case_of(item, self.assignment_of(item.path)) for item in session.items if is_case(item)]
        submitted = [submitted_problem(item) for item in session.items if is_submission(item)]
        self.emit({"event": "collected", "cases": [asdict(case) for case in cases], "submissions": submitted})

    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Stage and compile the tree before the first case, and say so: the first time it takes 20 seconds."""
        cases = [item for item in session.items if problem_of(item)]
        if not cases or self.config.option.collectonly:
            return
        self.submitting = all(map(is_submission, cases))
        if self.events is None and not client_is_here() and any(map(is_submission, cases)):
            raise pytest.UsageError("submit_* functions post nothing by themselves; run `python submit.py` instead.")
        assignment = self.assignment_of(cases[0].path)
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and not self.config.getoption("prepared"):
            for sentence in devices.explain(assignment, self.config.getoption("device") or ()):
                reporter.write_line(f"grader: {sentence}")
            reporter.write_line(f"grader: preparing {self.config.getoption('tree')} ...")
        try:
            self.tree = self.prepare_tree(assignment)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        except GraderError as error:
            pytest.exit(f"the harness is at fault: {error}", OUR_FAULT)
        if self.tree.fault is not None and self.events is None:
            pytest.exit(self.tree.fault, pytest.ExitCode.TESTS_FAILED)  # said once to a person, not once a case
        unbuilt = [self.tree.unbuilt.get(device) for device in self.devices_in_use(assignment)]
        if self.events is None and all(unbuilt):
            pytest.exit("\n".join(filter(None, unbuilt)), pytest.ExitCode.TESTS_FAILED)

    # -- verdicts ------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        if is_case(item) and call.excinfo is not None and self.config.getoption("isolation") == "worker":
            # Rendering a traceback takes 50 ms, a minute for a tree that fails every case, and shows nothing but ours.
            item.repr_failure = lambda excinfo, style=None: str(excinfo.value)  # type: ignore[method-assign]
        report = yield
        error = call.excinfo.value if call.excinfo is not None else None
        if is_submission(item) and error is not None:
            self.report_submission(item, report, error)
        if not is_case(item):
            return report
        if error is not None and not isinstance(error, (AssertionError, SubjectError, pytest.skip.Exception)):
            if not isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
                self.stop_for_our_fault(item, error)
        elif call.when == "call" or error is not None:
            verdict, message = judged(error)
            if self.events is None and message.startswith("importing the tree ") and verdict is Verdict.ERROR:
                pytest.exit(message, pytest.ExitCode.TESTS_FAILED)  # said once to a person, not once a case
            if verdict in (Verdict.FAIL, Verdict.ERROR):
                message += f"\n{self.repro_hint(item)}"
                if self.config.getoption("isolation") == "worker":
                    report.longrepr = message  # the harness's own frames would only bury it
            item.user_properties += [("verdict", verdict.value), ("message", message)]
            self.emit({"event": "verdict", "id": case_id(item), "verdict": verdict.value, "message": message,
                       "seconds": call.duration})  # fmt: skip
        return report

    def report_submission(self, item: pytest.Item, report: pytest.TestReport, error: BaseException) -> None:
        """What ended a submission early: told to the course's client; for our own driver it can only be our fault."""
        if isinstance(error, SubjectError):
            report.longrepr = str(error)  # the harness's own frames would only bury it
        elif self.events is not None and not isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
            self.stop_for_our_fault(item, error)

    def repro_hint(self, item: pytest.Item) -> str:
        tree = shlex.quote(str(self.config.getoption("tree")))
        assignment = self.assignment_of(item.path)
        simulated = device_of(item) in assignment.devices.simulates
        options = "".join(f" --check {check}" for check in self.checks if simulated)
        if assignment.suite != OWN_SUITE:
            options += f" --suite {shlex.quote(str(_from_here(assignment.suite)))}"
        return f"Run: python -m grader repro '{case_id(item)}' {tree} --seed {self.config.getoption('seed')}{options}"

    def stop_for_our_fault(self, item: pytest.Item, error: BaseException) -> None:
        self.emit({"event": "fault", "id": case_id(item), "message": f"{type(error).__name__}: {error}"})
        text = "".join(traceback.format_exception(error))
        raise pytest.exit.Exception(f"the harness is at fault in {case_id(item)}\n{text}", returncode=OUR_FAULT)

    def emit(self, event: dict[str, Any]) -> None:
        if self.events is not None:
            self.events.write(json.dumps(event) + "\n")
            self.events.flush()

    # -- the tree and its subject --------------------------------------------------------------------------------

    def subject_for(self, item: pytest.Item) -> Subject:
        """The tree's subject, renewed when another problem begins: none can leave anything to the next."""
        assignment = self.assignment_of(item.path)
        problem = assignment.problem(problem_of(item)).name
        # In this process there can be but one, for whichever devices were chosen.
        served = self.devices_in_use(assignment) if self.in_process else (device_of(item),)
        simulated = any(device in assignment.devices.simulates for device in served)
        assert self.tree is not None, "pytest_runtestloop comes first"
        if self.tree.fault is not None:
            raise SubjectError(self.tree.fault)
        if simulated not in self.subjects:
            subject = self.open_subject(assignment, self.tree, simulated)
            self.subjects[simulated] = ShowingSubject(subject) if self.config.getoption("show_calls") else subject
        elif problem != self.subject_problems[simulated]:
            self.subjects[simulated].renew()
        self.subject_problems[simulated] = problem
        return self.subjects[simulated]

    def open_subject(self, assignment: Assignment, tree: BuiltTree, simulated: bool) -> Subject:
        if self.in_process:
            return InProcessSubject(assignment, tree, simulated=simulated, checks=self.checks)
        sandbox = open_sandbox(self.config.getoption("sandbox"))
        gpu = not simulated and any(devices.on_gpu(assignment, device) for device in self.devices_in_use(assignment))
        return IsolatedSubject(assignment, tree, sandbox, gpu=gpu, simulated=simulated, checks=self.checks)

    def prepare_tree(self, assignment: Assignment) -> BuiltTree:
        if prepared := self.config.getoption("prepared"):
            return BuiltTree.from_json(Path(prepared).read_text(encoding="utf-8"))
        self.workspace = tempfile.TemporaryDirectory(prefix="grader-tree-")
        source = Path(self.config.getoption("tree"))
        if not source.exists():
            source = self.config.rootpath / source
        sandbox = open_sandbox(self.config.getoption("sandbox"))
        workspace, wanted = Path(self.workspace.name), self.devices_in_use(assignment)
        return prepare(
            source, assignment, sandbox, workspace, for_devices=wanted, checks=self.checks, debug=self.in_process
        )

    def absence(self, assignment: Assignment, device: str) -> str | None:
        """Why the device is not on this machine; None where it is. The submission is never asked."""
        if device not in self.absent:
            told = self.tree.absent.get(device) if self.tree else None
            self.absent[device] = told or devices.absence(assignment, device)
        return self.absent[device]

    def pytest_unconfigure(self) -> None:
        for subject in self.subjects.values():
            subject.close()
        if self.workspace is not None:
            self.workspace.cleanup()
        if self.events is not None:
            self.events.close()


def _from_here(path: Path) -> Path:
    """A path in the checkout as somebody in its folder would write it; any other as it is."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def is_case(item: pytest.Item) -> bool:
    """Whether the item is a case of an assignment's suite (and not one of the harness's own tests)."""
    return item.get_closest_marker("problem") is not None


def is_submission(item: pytest.Item) -> bool:
    """Whether the item computes the submission cases of a problem."""
    return submitted_problem(item) is not None


def problem_of(item: pytest.Item) -> str:
    """The problem of a case or of a submission, by one of its names; empty for anything else."""
    return str(problem_marker(item).args[0]) if is_case(item) else submitted_problem(item) or ""


def submission_device(assignment: Assignment) -> str:
    """The device that submission cases run on: the first one graded, which every machine has."""
    return assignment.devices.graded[0]


def problem_marker(item: pytest.Item) -> pytest.Mark:
    """The marker that makes the item a case."""
    marker = item.get_closest_marker("problem")
    assert marker is not None
    return marker


def case_id(item: pytest.Item) -> str:
    """The id that reports and `repro` use: "test_conv.py::test_op_conv_forward[cpu-k3]"."""
    return f"{item.path.name}::{item.nodeid.partition('::')[2]}"


def device_of(item: pytest.Item) -> str:
    """The device of a case; "" where it does not depend on one."""
    return str(item.callspec.params.get("device", "")) if hasattr(item, "callspec") else ""


def has_device(item: pytest.Item, assignment: Assignment) -> bool:
    """Whether the item's device has what the item tests: a function of one backend only is no case on another one."""
    only = problem_marker(item).kwargs.get("devices") if is_case(item) else None
    if unknown := sorted(set(only or ()) - set(assignment.devices.known)):
        known = ", ".join(assignment.devices.known)
        raise pytest.UsageError(f"{case_id(item)} is for device {unknown[0]!r}; expected some of: {known}.")
    return only is None or device_of(item) in only


def case_of(item: pytest.Item, assignment: Assignment) -> Case:
    marker = problem_marker(item)
    document = getattr(item.obj, "__doc__", None) if hasattr(item, "obj") else None
    return Case(
        id=case_id(item),
        problem=assignment.problem(marker.args[0]).name,
        device=device_of(item),
        weight=float(marker.kwargs.get("weight", 1)),
        title=(document or "").strip().partition("\n")[0],
    )


def judged(error: BaseException | None) -> tuple[Verdict, str]:
    """The verdict on what a test raised, and its message."""
    if error is None:
        return Verdict.PASS, ""
    if isinstance(error, SubjectError):
        return Verdict.ERROR, str(error)
    if isinstance(error, pytest.skip.Exception):
        return Verdict.NOT_RUN, str(error)
    return Verdict.FAIL, str(error)


# -- fixtures ----------------------------------------------------------------------------------------------------


def the_run(request: pytest.FixtureRequest) -> _Run:
    """The run that a case or a submission belongs to."""
    run = request.config.pluginmanager.get_plugin("grader-run")
    assert isinstance(run, _Run)
    return run


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Inputs:
    """Random inputs that depend on nothing but the run's seed and the case's name; a submission's, on its problem's."""
    if is_submission(request.node):
        assignment = the_run(request).assignment_of(request.node.path)
        if assignment.submission_seed is None:
            raise GraderError(f"{assignment.suite / 'assignment.toml'} has no submission.seed to draw inputs from")
        return FixedInputs(assignment.submission_seed, assignment.problem(problem_of(request.node)).name)
    return Inputs(request.config.getoption("seed"), case_id(request.node))


class Ask:
    """`subject(probe, *args, **kwargs)`: the probe's answer, computed beside the submission on the case's device."""

    def __init__(self, subject: Subject, device: str) -> None:
        self._subject = subject
        self._device = device

    def __call__(self, probe: Probe, *args: Any, **kwargs: Any) -> Answer:
        return self._subject.ask(probe, self._device, args, kwargs)


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> Ask:
    """Ask the submission. See Ask."""
    run = the_run(request)
    device = device_of(request.node)
    assignment = run.assignment_of(request.node.path)
    if device and (reason := run.absence(assignment, device)) is not None:
        pytest.skip(reason)
    if run.tree is not None and device in run.tree.unbuilt:
        raise SubjectError(run.tree.unbuilt[device])
    return Ask(run.subject_for(request.node), device)


@pytest.fixture
def submit(request: pytest.FixtureRequest, rng: FixedInputs) -> Submit:
    """Hand the tree's answer to the problem's next submission case over. See Submit."""
    run, node = the_run(request), request.node
    assignment = run.assignment_of(node.path)
    problem = assignment.problem(problem_of(node))
    device, subject = submission_device(assignment), lambda: run.subject_for(node)
    if run.events is not None:
        return SubmitByEvents(problem, device, subject, rng, run.emit)
    return SubmitByClient(problem, device, subject, rng)
