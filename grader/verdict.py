"""The words of a judgement: a case of the suite, and what became of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from grader.evidence import Evidence


class Verdict(str, enum.Enum):
    """What became of a case. Only PASS earns; NOT_RUN is neither won nor lost."""

    PASS = "pass"
    FAIL = "fail"  # the submission answered, and the answer is wrong
    ERROR = "error"  # the submission raised, crashed, hung or was cut off
    NOT_RUN = "not run"  # the case's device is not on this machine


LOST = (Verdict.FAIL, Verdict.ERROR)  # what costs points; no set, so that the words of a grade.json are found in it too


@dataclass(frozen=True)
class Case:
    """One case of the suite, known before anything of a submission runs."""

    id: str  # "test_conv.py::test_op_conv_forward[cpu-k3]", relative to the suite's folder
    problem: str  # the problem whose points it decides
    device: str  # "cpu", "cuda", ...; "" where the case does not depend on one
    weight: float  # share of the problem's points, relative to the problem's other cases
    title: str  # the first line of the test's docstring
    hidden: bool = False  # whether it is in a file test_hidden_*.py, which students are not shown


@dataclass(frozen=True)
class CaseResult:
    """A case and its verdict."""

    case: Case
    verdict: Verdict
    seconds: float  # wall time of the case in the judging process
    message: str  # for a person: what was wrong; empty for a pass
    evidence: Evidence = field(default_factory=Evidence)  # the parts of the message, and how near a right answer came
