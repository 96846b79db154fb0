"""Ask a case's questions again, in a worker that is changed on purpose, and say whether its answer was handed over."""

from __future__ import annotations

import enum
from collections.abc import Callable

from grader.delegation.masked import MaskedSubject
from grader.delegation.modes import KERNELS, MASKED, PLAIN, SEALED
from grader.subject.client import Subject
from grader.subject.outcome import SubjectError
from grader.subject.perturbation import REFUSAL, Plan

Failure = Exception | None  # what a test raised; None where it passed
Attempt = Callable[[Subject], Failure]  # runs the test once more, from the beginning, on this subject
Open = Callable[[Plan], Subject]  # a worker of its own that follows the plan

# What is tried where a mode shows nothing, because the tree raised, hung or gave NaN: an honest one may do so before
# masked values, as by `assert np.allclose(softmax.numpy().sum(), 1)`, and a dishonest one to escape. Altered kernels
# stand in for masks, but not for sealing: what is sealed only moves values, and moving is not altered.
_TRIED = {SEALED: (SEALED, MASKED), MASKED: (MASKED, KERNELS), KERNELS: (KERNELS,)}


class _Finding(enum.Enum):
    """What a mode shows of a case."""

    HANDED_OVER = enum.auto()
    OWN = enum.auto()
    NOTHING = enum.auto()  # there was no answer to judge by


class Examiner:
    """Workers of every mode for one tree on one kind of device, each started when it is first needed."""

    def __init__(self, open_subject: Open) -> None:
        """open_subject: starts nothing yet."""
        self._open = open_subject
        self._kept: dict[tuple[str, int], MaskedSubject] = {}
        self._hidden = False  # whether the last case was hidden

    def handed_over(self, mode: str, attempt: Attempt, hidden: bool) -> tuple[str, bool]:
        """(what was found, in the end of a sentence; "" for nothing, whether the case can show anything).

        The case passed a moment ago. The same must be found twice, in two workers with other masks or alterations, and
        in between the case must still pass where nothing is changed: a tree that fails now and then is not accused.
        Neither is one that gives no answer, unless it is found out in another way.

        hidden: whether students are not shown the case. What is found quotes what the tree answers; no worker that has
        seen a hidden case has a word in that of another.
        """
        if hidden != self._hidden:
            for subject in self._kept.values():
                subject.renew()
            self._hidden = hidden
        words, finding, seen = "", _Finding.NOTHING, False
        for tried in _TRIED[mode]:
            words, finding, seen = self._examined(tried, attempt)
            if finding is not _Finding.NOTHING or not seen:  # what saw no value that a mask changes shows nothing
                break
        return words, seen

    def close(self) -> None:
        """End all workers."""
        for subject in self._kept.values():
            subject.close()

    def _examined(self, mode: str, attempt: Attempt) -> tuple[str, _Finding, bool]:
        """(what was found, the finding, whether the case can show anything), by this mode alone."""
        finding, _, seen = self._tried(mode, 0, attempt)
        if finding is not _Finding.HANDED_OVER:
            return "", finding, seen
        if attempt(self._subject(PLAIN)) is not None:
            return "", _Finding.OWN, seen
        finding, failure, _ = self._tried(mode, 1, attempt)
        if finding is not _Finding.HANDED_OVER:
            return "", finding, seen
        carried = mode == SEALED and attempt(self._subject(MASKED)) is None
        return _words(mode, failure, carried), finding, True

    def _tried(self, mode: str, number: int, attempt: Attempt) -> tuple[_Finding, Failure, bool]:
        subject = self._subject(mode, number)
        subject.forget()
        failure = attempt(subject)
        return _finding(mode, failure, subject.saw_no_number), failure, mode == KERNELS or subject.saw_values

    def _subject(self, mode: str, number: int = 0) -> MaskedSubject:
        if (mode, number) not in self._kept:
            plan = Plan.drawn(mode)
            self._kept[mode, number] = MaskedSubject(self._open(plan), plan)
        return self._kept[mode, number]


def _finding(mode: str, failure: Failure, saw_no_number: bool) -> _Finding:
    """Altered kernels must be seen in the answer; a mask must not."""
    if mode == KERNELS:
        return _Finding.HANDED_OVER if failure is None else _Finding.OWN
    if failure is None:
        return _Finding.OWN
    if REFUSAL in str(failure):  # NumPy was called from C++: that is proof, and no answer is needed
        return _Finding.HANDED_OVER
    if isinstance(failure, SubjectError) or saw_no_number:
        return _Finding.NOTHING
    return _Finding.HANDED_OVER


def _words(mode: str, failure: Failure, carried: bool) -> str:
    if mode == KERNELS:
        return "with kernels that give altered results the answer stayed the same, so it does not come from them."
    first = str(failure).partition("\n")[0]
    if carried:
        return f"values were carried by NumPy, from array to array or back into the backend. ({first})"
    return (
        "where NumPy sees other values than the backend, the answer becomes wrong, so NumPy has a part in computing it."
        f" ({first})"
    )
