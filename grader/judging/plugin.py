"""The suite under pytest: its options, and its fixtures (subject, rng, device).

pytest runs in the judging process, which never imports a submission. A test asks its `subject` and compares the answer
with an oracle's. What a test raises decides the verdict: see verdicts.py.

The functions submit_<problem> of a suite's test_submission.py are no tests and have no verdict: with
`-o python_functions=submit_*` they hand the answers to their cases on; see grader/submission/cases.py.
"""

from __future__ import annotations

import secrets

import pytest

from grader.errors import GraderError, UsageError
from grader.inputs import FixedInputs, Inputs
from grader.judging.cases import case_id, device_of, is_submission, problem_of
from grader.judging.choice import submission_device
from grader.judging.run import Run
from grader.sandbox import open_sandbox
from grader.subject.ask import Ask
from grader.subject.outcome import SubjectError
from grader.submission.cases import Submit, SubmitByClient, SubmitByEvents


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
        # By hand it is tried out, once. The command that has prepared a tree has done so for all of its judges.
        open_sandbox(config.getoption("sandbox"), tried=config.getoption("prepared") is not None)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    run = Run(config)
    config.pluginmanager.register(run, "grader-run")
    config.pluginmanager.register(run.verdicts, "grader-verdicts")


def pytest_report_header(config: pytest.Config) -> str:
    return f"grader: tree {config.getoption('tree')}, seed {config.getoption('seed')}"


# -- fixtures ----------------------------------------------------------------------------------------------------


def the_run(request: pytest.FixtureRequest) -> Run:
    """The run that a case or a submission belongs to."""
    run = request.config.pluginmanager.get_plugin("grader-run")
    assert isinstance(run, Run)
    return run


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Inputs:
    """Random inputs that depend on nothing but the run's seed and the case's name; a submission's, on its problem's."""
    if is_submission(request.node):
        assignment = the_run(request).choice.assignment_of(request.node.path)
        if assignment.submission_seed is None:
            raise GraderError(f"{assignment.suite / 'assignment.toml'} has no submission.seed to draw inputs from")
        return FixedInputs(assignment.submission_seed, assignment.problem(problem_of(request.node)).name)
    return Inputs(request.config.getoption("seed"), case_id(request.node))


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> Ask:
    """Ask the submission. See Ask."""
    run = the_run(request)
    device = device_of(request.node)
    assignment = run.choice.assignment_of(request.node.path)
    if device and (reason := run.tree.absence(assignment, device)) is not None:
        pytest.skip(reason)
    if run.tree.tree is not None and device in run.tree.tree.unbuilt:
        raise SubjectError(run.tree.tree.unbuilt[device])
    tolerance = assignment.problem(problem_of(request.node)).tolerance(device)
    return Ask(run.tree.subject_for(request.node), device, tolerance)


@pytest.fixture
def submit(request: pytest.FixtureRequest, rng: FixedInputs) -> Submit:
    """Hand the tree's answer to the problem's next submission case over. See Submit."""
    run, node = the_run(request), request.node
    assignment = run.choice.assignment_of(node.path)
    problem = assignment.problem(problem_of(node))
    device, subject = submission_device(assignment), lambda: run.tree.subject_for(node)
    if run.verdicts.events is not None:
        return SubmitByEvents(problem, device, subject, rng, run.verdicts.emit)
    return SubmitByClient(problem, device, subject, rng)
