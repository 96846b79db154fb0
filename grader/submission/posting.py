"""Post a problem's answers case by case, each exactly once, and learn what they earned."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from grader.assignment import Assignment, Problem
from grader.mugrade import codec
from grader.mugrade.client import Client, SubmitError, Unreachable
from grader.mugrade.replies import SubmissionState
from grader.submission.answers import CaseAnswer, ProblemAnswers
from grader.submission.state import Attempt, States

MAX_BYTES = 8_000_000  # of a value: what the server takes, with some room
_ONE_CASE = (400, 413, 422)  # statuses that speak of one value, not of the submission
_ANEW = re.compile(r"[.;] submit the problem anew\.$", re.IGNORECASE)  # what a server tells others to do: we do it


class Result(Enum):
    """What became of a case."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no answer"  # not computed, or nothing that can be posted: wrong, without troubling the server
    NOT_POSTED = "not posted"  # the server did not take it


@dataclass(frozen=True)
class CaseOutcome:
    """A case, and what became of it."""

    index: int
    title: str
    result: Result
    message: str  # what was wrong; empty where it is correct
    before: bool = False  # judged when an earlier run posted it


@dataclass(frozen=True)
class ProblemOutcome:
    """A problem, and what became of its cases."""

    problem: Problem
    cases: tuple[CaseOutcome, ...]
    state: SubmissionState | None  # the server's own account; None: nothing was posted, or it gives none

    @property
    def correct(self) -> int:
        """How many cases are."""
        return sum(case.result is Result.CORRECT for case in self.cases)

    @property
    def points(self) -> float:
        """Points before any penalty: the server's word, else our count of its verdicts."""
        if self.state is not None:
            return self.state.points
        return self.problem.points * self.correct / len(self.cases)

    @property
    def penalty(self) -> float:
        """Points taken off for being late, as far as the server tells."""
        return self.state.penalty if self.state is not None else 0.0

    @property
    def max_points(self) -> float:
        """The most that the problem gives."""
        return self.state.max_points if self.state is not None else self.problem.points


Tell = Callable[[CaseOutcome], None]


class Refused(Exception):
    """The server took nothing of a problem: too many attempts, closed, not published. The other problems go on."""

    def __init__(self, error: SubmitError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class Prepared:
    """A case's value, ready to be posted, or the reason why there is none."""

    case: CaseAnswer
    data: bytes | None
    digest: str
    reason: str


def prepare(case: CaseAnswer) -> Prepared:
    """Encode a case's value."""
    if case.error:
        return Prepared(case, None, "", case.error)
    try:
        data = codec.dumps(case.value)
    except codec.CodecError as error:
        return Prepared(case, None, "", str(error))
    if len(data) > MAX_BYTES:
        return Prepared(case, None, "", f"the value takes {len(data):,} bytes as text; at most {MAX_BYTES:,} are taken")
    return Prepared(case, data, codec.digest(case.value), "")


def nothing_to_post(answers: ProblemAnswers) -> ProblemOutcome | None:
    """The outcome of a problem none of whose cases can be posted; None where some can."""
    cases = [prepare(case) for case in answers.cases]
    if any(case.data is not None for case in cases):
        return None
    lost = [CaseOutcome(item.case.index, item.case.title, Result.NO_ANSWER, item.reason) for item in cases]
    return ProblemOutcome(answers.problem, tuple(lost), None)


class _Told:
    """The outcomes of a submission's cases.

    They are told once the server has taken one: where it takes none, the reason is the problem's and no case's.
    """

    def __init__(self, tell: Tell) -> None:
        self.outcomes: list[CaseOutcome] = []
        self._tell = tell
        self._shown = 0

    @property
    def taken(self) -> bool:
        return any(item.result in (Result.CORRECT, Result.WRONG) for item in self.outcomes)

    def add(self, case: CaseAnswer, result: Result, message: str, *, before: bool = False) -> None:
        self.outcomes.append(CaseOutcome(case.index, case.title, result, message, before))
        if self.taken:
            self.show()

    def show(self) -> None:
        for item in self.outcomes[self._shown :]:
            self._shown += 1
            self._tell(item)


@dataclass(frozen=True)
class _Opened:
    """A submission that takes cases, and what is judged of it already."""

    id: str
    judged: Mapping[int, tuple[bool, str]]  # index -> (correct, message)


class Poster:
    """Posts the problems of one tree."""

    def __init__(self, client: Client, states: States, assignment: Assignment, login: str, tree_hash: str) -> None:
        self._client = client
        self._states = states
        self._assignment = assignment
        self._login = login
        self._tree_hash = tree_hash
        self._complete: list[Attempt] = []

    def post(
        self,
        answers: ProblemAnswers,
        resumed: Callable[[], None],
        tell: Tell,
        note: Callable[[str], None] = lambda line: None,
    ) -> ProblemOutcome:
        """Post the cases that have an answer; `tell` is told of every case, in order, as soon as it is known.

        resumed: is called where an earlier run's submission is gone on with. note: is told in a line why there is
        nothing to go on with, or why all cases are posted once more, and then told once more.
        The submission is remembered until `forget`, so that an interrupted run posts nothing of it again.
        Raises Refused where the server takes nothing of this problem, SubmitError where no further post would do any
        better: no server, or a key that it refuses.
        """
        cases = [prepare(case) for case in answers.cases]
        values = {str(case.case.index): case.digest for case in cases if case.data is not None}
        told = _Told(tell)
        if not values:
            for case in cases:
                told.add(case.case, Result.NO_ANSWER, case.reason)
            told.show()
            return ProblemOutcome(answers.problem, tuple(told.outcomes), None)
        name = answers.problem.name
        attempt = Attempt(self._client.server, self._assignment.name, name, self._login, self._tree_hash, values)
        try:
            opened = self._open(attempt, resumed, note)
        except SubmitError as error:
            raise self._refused(attempt, error) from None
        stopped = self._post_cases(opened, cases, told)
        if stopped is not None and stopped.status == 409:  # it takes no further case; another one does
            try:
                anew = _Opened(self._submit(attempt, self._states.renew(attempt)), {})
            except SubmitError as error:
                stopped = _kept(error)
            else:
                note(f"all cases go to a new submission: {_ANEW.sub('.', str(stopped))}")
                opened, told = anew, _Told(tell)
                stopped = self._post_cases(opened, cases, told)
        if stopped is not None:
            if not told.taken:
                raise self._refused(attempt, stopped)
            _tell_rest(opened, cases, told, str(stopped))
        else:
            self._complete.append(attempt)
        told.show()
        return ProblemOutcome(answers.problem, tuple(told.outcomes), self._account(opened.id))

    def forget(self) -> None:
        """The run is through: the same command is another submission from now on."""
        for attempt in self._complete:
            self._states.forget(attempt)
        self._complete.clear()

    def _post_cases(self, opened: _Opened, cases: Sequence[Prepared], told: _Told) -> SubmitError | None:
        """Post case by case, until the server takes no more; why it does not."""
        for case in cases:
            if case.data is None or case.case.index in opened.judged:
                _tell_known(opened, case, told)
                continue
            try:
                verdict = self._client.submit_test(opened.id, case.case.index, case.data)
            except SubmitError as error:
                if _kept(error).status not in _ONE_CASE:
                    return error
                told.add(case.case, Result.NOT_POSTED, str(error))
            else:
                told.add(case.case, Result.CORRECT if verdict.correct else Result.WRONG, verdict.message)
        return None

    def _refused(self, attempt: Attempt, error: SubmitError) -> Refused:
        """Nothing was taken, so nothing is to be gone on with. Raises the error where it is not the problem's own."""
        found = Refused(_kept(error))
        self._states.forget(attempt)
        return found

    def _open(self, attempt: Attempt, resumed: Callable[[], None], note: Callable[[str], None]) -> _Opened:
        token, begun = self._states.token(attempt)
        if begun:
            try:
                submission_id = self._submit(attempt, token)
            except SubmitError as error:
                if error.status != 409:
                    raise
            else:
                known = self._client.submission(submission_id)
                if known is None:  # a server that does not tell: posting the same again is harmless
                    return _Opened(submission_id, {})
                judged = _judged(known, attempt)
                if judged is not None and len(judged) == len(attempt.values):
                    note("posted by the run that was interrupted; nothing is posted again")
                    return _Opened(submission_id, judged)
                if judged is not None and known.open:
                    if judged:
                        resumed()
                    return _Opened(submission_id, judged)
            token = self._states.renew(attempt)  # it was open too long, or holds something else
        return _Opened(self._submit(attempt, token), {})

    def _submit(self, attempt: Attempt, token: str) -> str:
        return self._client.submit(attempt.assignment, attempt.problem, token=token, tree_hash=attempt.tree_hash)

    def _account(self, submission_id: str) -> SubmissionState | None:
        """The server's account; that it cannot be had just now does not undo what was posted."""
        try:
            return self._client.submission(submission_id)
        except SubmitError:
            return None


def _tell_known(opened: _Opened, case: Prepared, told: _Told) -> None:
    """Tell of a case that is not posted: it has no answer, or was judged before."""
    if case.data is None:
        told.add(case.case, Result.NO_ANSWER, case.reason)
    else:
        correct, message = opened.judged[case.case.index]
        told.add(case.case, Result.CORRECT if correct else Result.WRONG, message, before=True)


def _tell_rest(opened: _Opened, cases: Sequence[Prepared], told: _Told, reason: str) -> None:
    """Tell of the cases behind the one at which the server took no more."""
    for case in cases[len(told.outcomes) :]:
        if case.data is None or case.case.index in opened.judged:
            _tell_known(opened, case, told)
        else:
            told.add(case.case, Result.NOT_POSTED, reason)


def _judged(known: SubmissionState, attempt: Attempt) -> dict[int, tuple[bool, str]] | None:
    """What the server has judged of our values; None where it holds others."""
    judged: dict[int, tuple[bool, str]] = {}
    for case in known.cases:
        if case.correct is None:
            continue
        if case.value_hash != attempt.values.get(str(case.index)):
            return None
        judged[case.index] = (case.correct, case.message)
    return judged


def _kept(error: SubmitError) -> SubmitError:
    """The error, where it concerns this problem alone; else it goes on."""
    concerned = error.status is not None and 400 <= error.status < 500 and error.status != 401
    if isinstance(error, Unreachable) or not concerned:
        raise error
    return error


def lost(outcomes: Sequence[ProblemOutcome]) -> bool:
    """Whether anything could not be posted."""
    return any(case.result is Result.NOT_POSTED for outcome in outcomes for case in outcome.cases)
