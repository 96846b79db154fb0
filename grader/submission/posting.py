"""Post a problem's answers case by case, each exactly once, and learn what they earned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class Poster:
    """Posts the problems of one tree."""

    def __init__(self, client: Client, states: States, assignment: Assignment, login: str, tree_hash: str) -> None:
        self._client = client
        self._states = states
        self._assignment = assignment
        self._login = login
        self._tree_hash = tree_hash

    def post(self, answers: ProblemAnswers, resumed: Callable[[], None], tell: Tell) -> ProblemOutcome:
        """Post the cases that have an answer; `tell` is told of every case, in order, as soon as it is known.

        resumed: is called where an earlier run's submission is gone on with. Raises SubmitError where no further post
        would do any better: no server, or a key that it refuses.
        """
        cases = [prepare(case) for case in answers.cases]
        outcomes: list[CaseOutcome] = []

        def told(case: Prepared, result: Result, message: str, *, before: bool = False) -> None:
            outcomes.append(CaseOutcome(case.case.index, case.case.title, result, message, before))
            tell(outcomes[-1])

        values = {str(case.case.index): case.digest for case in cases if case.data is not None}
        if not values:
            for case in cases:
                told(case, Result.NO_ANSWER, case.reason)
            return ProblemOutcome(answers.problem, tuple(outcomes), None)
        name = answers.problem.name
        attempt = Attempt(self._client.server, self._assignment.name, name, self._login, self._tree_hash, values)
        refused = ""
        judged: dict[int, tuple[bool, str]] = {}
        submission_id = ""
        try:
            submission_id, judged = self._open(attempt, resumed)
        except SubmitError as error:
            refused = _kept(error)
        for case in cases:
            index = case.case.index
            if case.data is None:
                told(case, Result.NO_ANSWER, case.reason)
            elif index in judged:
                correct, message = judged[index]
                told(case, Result.CORRECT if correct else Result.WRONG, message, before=True)
            elif refused:
                told(case, Result.NOT_POSTED, refused)
            else:
                try:
                    verdict = self._client.submit_test(submission_id, index, case.data)
                except SubmitError as error:
                    told(case, Result.NOT_POSTED, _kept(error))
                    refused = "" if error.status in _ONE_CASE else str(error)
                else:
                    told(case, Result.CORRECT if verdict.correct else Result.WRONG, verdict.message)
        if not refused:
            self._states.forget(attempt)
        return ProblemOutcome(answers.problem, tuple(outcomes), self._account(submission_id))

    def _open(self, attempt: Attempt, resumed: Callable[[], None]) -> tuple[str, dict[int, tuple[bool, str]]]:
        """(the submission's id, what is judged of it already: index -> (correct, message))."""
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
                    return submission_id, {}
                judged = _judged(known, attempt)
                if judged is not None and (known.open or len(judged) == len(attempt.values)):
                    if judged:
                        resumed()
                    return submission_id, judged
            token = self._states.renew(attempt)  # it was open too long, or holds something else
        return self._submit(attempt, token), {}

    def _submit(self, attempt: Attempt, token: str) -> str:
        return self._client.submit(attempt.assignment, attempt.problem, token=token, tree_hash=attempt.tree_hash)

    def _account(self, submission_id: str) -> SubmissionState | None:
        """The server's account; that it cannot be had just now does not undo what was posted."""
        if not submission_id:
            return None
        try:
            return self._client.submission(submission_id)
        except SubmitError:
            return None


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


def _kept(error: SubmitError) -> str:
    """The reason, where it concerns this problem alone; else the error goes on."""
    concerned = error.status is not None and 400 <= error.status < 500 and error.status != 401
    if isinstance(error, Unreachable) or not concerned:
        raise error
    return str(error)


def lost(outcomes: Sequence[ProblemOutcome]) -> bool:
    """Whether anything could not be posted."""
    return any(case.result is Result.NOT_POSTED for outcome in outcomes for case in outcome.cases)
