"""Publish answers, see who would change, and judge every stored value anew.

A problem's first version judges at once, and so does one under which every stored value keeps its verdict. Any other
waits, and `preview` says whose points it would change, until somebody applies it. Any version can be applied, also one
that was replaced: its verdicts are still there.

A version may have another number of values than the one before. Points are per value of the active version: a case that
nobody has posted yet earns nothing, and one that the version has no value for is ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grader.server import errors
from grader.server.book.gradebook_data import AssignmentInfo
from grader.server.book.policy import AssignmentScore, Attempt, earned, share
from grader.server.book.standings import assignments, bank, late_day_bank, load, named
from grader.server.desk import rejudging
from grader.server.desk.judging import Judged, finite
from grader.server.desk.tallies import recount
from grader.server.store import catalogue, events, values
from grader.server.store.database import Database
from grader.server.store.models import Activation, Answer, AssignmentRow, ProblemRow, Role, User

__all__ = ["Change", "Preview", "Published", "apply", "preview", "publish", "publish_to", "recount"]


@dataclass(frozen=True)
class Change:
    """What a version of the answers would change for one student."""

    login: str
    name: str
    before: float  # points of the problem that count now
    after: float
    total_before: float  # of the assignment
    total_after: float


@dataclass(frozen=True)
class Preview:
    """What applying a version would do."""

    answer_id: int
    problem: str
    version: int
    submissions: int  # stored, of which some case is judged anew
    changes: tuple[Change, ...]  # only who changes; largest change first
    verdicts_changed: int  # cases whose verdict changes
    shifts_bank: bool = False  # other assignments share a bank of late days with this one: see KNOCK_ON


# `changes` is of one assignment. What a student spends on it may change with it, and so what is left for later ones.
KNOCK_ON = (
    "Assignments that are due later are not in these figures: where late days are spent otherwise here, their points "
    "may change as well."
)


@dataclass(frozen=True)
class Published:
    """What became of published answers."""

    version: int
    state: str  # "active"; "pending" (waits to be applied); "unchanged" (they are the active ones)
    cases: int  # values in it
    answer_id: int
    preview: Preview | None  # what it changes; None where it is the first version, or unchanged

    @property
    def changes(self) -> int:
        """Students whose points would change."""
        return len(self.preview.changes) if self.preview else 0


@dataclass(frozen=True)
class _Judging:
    """A version judged against all that is stored."""

    preview: Preview
    missing: dict[int, Judged]  # by cases.id: verdicts that are not in the tables yet
    resized: bool  # there are submissions, and the version has another number of values than the active one

    @property
    def harmless(self) -> bool:
        """Whether applying it would change no verdict and nobody's points."""
        return not (self.preview.verdicts_changed or self.preview.changes or self.resized)


# -- publish ---------------------------------------------------------------------------------------------------------


def publish(
    session: Session, actor: User, assignment_name: str, problem_name: str, published: Sequence[Any], now: datetime
) -> Published:
    """Store the answers to a problem as a new version, and activate it where that changes nobody.

    The same answers again make no new version: a reply may have been lost. Raises errors.NotFound, errors.Invalid.
    All that is stored is judged in this transaction; `publish_to` keeps nobody waiting for that.
    """
    answer = _stored(session, actor, assignment_name, problem_name, published, now)
    return _settle(session, actor, answer, now)


def publish_to(
    database: Database, actor: User, assignment_name: str, problem_name: str, published: Sequence[Any], now: datetime
) -> Published:
    """`publish` for a server in use: what is stored is judged while nothing is locked, and its verdicts are kept.

    Three steps: the version is stored, then judged, then activated where that changes nobody. Ended between two of them
    it waits like any other version, and published again it goes on. Raises as `publish` does.
    """
    with database.write() as session:
        answer = _stored(session, actor, assignment_name, problem_name, published, now)
        active = catalogue.active_answer(session, answer.problem_id)
        if active is None or active[0] == answer.id:
            return _settle(session, actor, answer, now)
    rejudging.judge_ahead(database, answer.id, now)
    with database.write() as session:
        answer = rejudging.find_answer(session, answer.id)
        catalogue.lock_problem(session, answer.problem_id)
        return _settle(session, actor, answer, now)


def _stored(
    session: Session, actor: User, assignment_name: str, problem_name: str, published: Sequence[Any], now: datetime
) -> Answer:
    """The published values as a version: the active or the newest one where it has the same, else a new one."""
    _, problem = catalogue.find_problem(session, assignment_name, problem_name)
    if not published:
        raise errors.Invalid(f"There are no answers for {problem.name}; expected a list of one value or more.")
    for index, value in enumerate(published):
        if not finite(value):
            raise errors.Invalid(f"Answer {index} of {problem.name} holds NaN or infinity; expected finite numbers.")
    packed = values.packed(list(published))
    catalogue.lock_problem(session, problem.id)
    active = catalogue.active_answer(session, problem.id)
    newest = session.scalar(select(func.max(Answer.version)).where(Answer.problem_id == problem.id)) or 0
    for answer in _same(session, problem, packed.digest):
        # An older one, that something has replaced, is wanted back as a new version.
        if answer.version == newest or (active and answer.id == active[0]):
            return answer
    answer = Answer(
        problem_id=problem.id,
        version=newest + 1,
        values=packed.data,
        value_count=len(published),
        value_hash=packed.digest,
        rtol=problem.rtol,
        atol=problem.atol,
        published_at=now,
        published_by=actor.id,
    )
    session.add(answer)
    session.flush()
    about = f"{assignment_name}/{problem.name} version {answer.version}"
    events.record(session, actor, "answer.published", about, cases=answer.value_count, sha256=answer.value_hash)
    return answer


def _same(session: Session, problem: ProblemRow, digest: str) -> Sequence[Answer]:
    """Versions with these values, compared as closely as the problem now says."""
    return session.scalars(
        select(Answer).where(
            Answer.problem_id == problem.id,
            Answer.value_hash == digest,
            Answer.rtol == problem.rtol,
            Answer.atol == problem.atol,
        )
    ).all()


def _settle(session: Session, actor: User, answer: Answer, now: datetime) -> Published:
    """Activate the answer where nothing speaks against it."""
    active = catalogue.active_answer(session, answer.problem_id)
    if active and active[0] == answer.id:
        return Published(answer.version, "unchanged", answer.value_count, answer.id, None)
    judging = _judge(session, answer)
    state = "pending"
    # While this one was judged, somebody else may have published a later one, and that one's turn comes after ours.
    newest = session.scalar(select(func.max(Answer.version)).where(Answer.problem_id == answer.problem_id))
    if active is None or (judging.harmless and answer.version == newest):
        _activate(session, actor, answer, judging, now)
        state = "active"
    return Published(answer.version, state, answer.value_count, answer.id, judging.preview if active else None)


# -- preview and apply -----------------------------------------------------------------------------------------------


def preview(session: Session, answer_id: int) -> Preview:
    """What applying the version would do; nothing is stored. Raises errors.NotFound.

    Every stored value is judged that has not been under this version: seconds for a class. See rejudging.judge_ahead.
    """
    return _judge(session, rejudging.find_answer(session, answer_id)).preview


def apply(session: Session, actor: User, answer_id: int, now: datetime) -> Preview:
    """Let the version judge from now on, and all that is stored with it; what was changed.

    In one transaction, which has the problem to itself: a case that is being judged is either judged under the version
    before and then here again, or after this one. Raises errors.NotFound, errors.Conflict where it is active already.
    """
    answer = rejudging.find_answer(session, answer_id)
    catalogue.lock_problem(session, answer.problem_id)
    refuse_active(session, answer_id)
    judging = _judge(session, answer)
    _activate(session, actor, answer, judging, now)
    return judging.preview


def refuse_active(session: Session, answer_id: int) -> None:
    """Raises errors.NotFound, and errors.Conflict where the version is the one that judges."""
    answer = rejudging.find_answer(session, answer_id)
    active = catalogue.active_answer(session, answer.problem_id)
    if active and active[0] == answer.id:
        raise errors.Conflict(f"Version {answer.version} is active already; everything stored is judged by it.")


def _activate(session: Session, actor: User, answer: Answer, judging: _Judging, now: datetime) -> None:
    rejudging.store(session, answer.id, judging.missing, now)
    session.add(Activation(problem_id=answer.problem_id, answer_id=answer.id, activated_at=now, activated_by=actor.id))
    session.flush()
    recount(session, answer.problem_id)
    assignment = _assignment_name(session, answer)
    events.record(
        session,
        actor,
        "answer.applied",
        f"{assignment}/{judging.preview.problem} version {answer.version}",
        verdicts_changed=judging.preview.verdicts_changed,
        points_changed={change.login: [change.before, change.after] for change in judging.preview.changes},
    )


def _assignment_name(session: Session, answer: Answer) -> str:
    return session.execute(
        select(AssignmentRow.name)
        .join(ProblemRow, ProblemRow.assignment_id == AssignmentRow.id)
        .where(ProblemRow.id == answer.problem_id)
    ).scalar_one()


# -- who changes -----------------------------------------------------------------------------------------------------


def _judge(session: Session, answer: Answer) -> _Judging:
    active = catalogue.active_answer(session, answer.problem_id)
    cases = rejudging.stored_cases(session, answer, active[0] if active else None)
    missing: dict[int, Judged] = {}
    for ids, judged in rejudging.judge_missing(session, answer, cases):
        missing.update(dict.fromkeys(ids, judged))
    after = {case.id: missing[case.id].correct if case.id in missing else case.then is True for case in cases}
    right = Counter(case.submission_id for case in cases if case.asked and after[case.id])
    infos = assignments(session)
    info = named(infos, _assignment_name(session, answer))
    changes = _changes(session, infos, info, answer, right)
    problem = next(problem.name for problem in info.problems if problem.id == answer.problem_id)
    return _Judging(
        Preview(
            answer.id,
            problem,
            answer.version,
            submissions=len({case.submission_id for case in cases if case.asked}),
            changes=changes,
            verdicts_changed=sum((case.now is True) != (case.asked and after[case.id]) for case in cases),
            shifts_bank=len(infos) > 1 and late_day_bank(session) > 0,
        ),
        missing,
        resized=bool(cases) and active is not None and active[1] != answer.value_count,
    )


def _changes(
    session: Session, infos: Sequence[AssignmentInfo], info: AssignmentInfo, answer: Answer, right: Counter[int]
) -> tuple[Change, ...]:
    """Students whose points of the assignment would change, where their submissions had so many cases right."""
    material = load(session, info)
    if info.policy.official == "verified":
        return ()
    problem = next(problem for problem in info.problems if problem.id == answer.problem_id)
    days = bank(session, infos, before=info)
    people = session.execute(select(User.id, User.login, User.name).where(User.role == Role.STUDENT))
    found = []
    for user_id, login, name in people:
        attempts = material.reported.get(user_id, {})
        if problem.name not in attempts:
            continue
        left = days.left(user_id)
        before = material.score(user_id, left)
        anew = []
        for attempt in attempts[problem.name]:
            what = (problem.points, right[attempt.id], answer.value_count)
            anew.append(Attempt(attempt.id, attempt.at, earned(*what), share(*what)))
        after = material.score(user_id, left, {**attempts, problem.name: anew})
        if _marks(before) != _marks(after):
            found.append(
                Change(
                    login,
                    name,
                    before.problems[problem.name].points,
                    after.problems[problem.name].points,
                    before.points,
                    after.points,
                )
            )
    return tuple(sorted(found, key=lambda change: (-abs(change.total_after - change.total_before), change.login)))


def _marks(score: AssignmentScore) -> list[float]:
    return [counted.points for counted in score.problems.values()]
