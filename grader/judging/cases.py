"""What an item of pytest's is to the suite: a case of a problem, the submission cases of one, or nothing of ours."""

from __future__ import annotations

import pytest

from grader.assignment import Assignment
from grader.submission.cases import submitted_problem
from grader.suite import is_hidden
from grader.verdict import Case


def is_case(item: pytest.Item) -> bool:
    """Whether the item is a case of an assignment's suite (and not one of the harness's own tests)."""
    return item.get_closest_marker("problem") is not None


def is_submission(item: pytest.Item) -> bool:
    """Whether the item computes the submission cases of a problem."""
    return submitted_problem(item) is not None


def problem_of(item: pytest.Item) -> str:
    """The problem of a case or of a submission, by one of its names; empty for anything else."""
    return str(problem_marker(item).args[0]) if is_case(item) else submitted_problem(item) or ""


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
        hidden=is_hidden(item.path.name),
    )
