"""Judge stored values under a version of the answers, whichever one judges now.

A problem may have thousands of stored values, each megabytes at worst: one is in memory at a time, and a value that was
posted many times is judged once. A verdict that is in the tables already is never found a second time: judgements are
facts, and a version that was active before, or was judged ahead, costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, aliased

from grader import __version__
from grader.server import errors
from grader.server.desk.judging import Judged, judge
from grader.server.store import catalogue, values
from grader.server.store.database import Database
from grader.server.store.models import Answer, CaseRow, Judgement, Submission

_ROWS_A_STATEMENT = 1000  # of a few hundred bytes each
_AHEAD = 200  # values judged between two short transactions: a second or so of work that a crash would repeat


@dataclass(frozen=True)
class StoredCase:
    """A posted value that a version has an answer for, or that it once had a verdict for."""

    id: int
    submission_id: int
    index: int
    value_hash: str
    now: bool | None  # verdict under the active version; None: it has none for it
    then: bool | None  # verdict under the version asked about, where it is known already
    asked: bool  # whether the version asked about has a value of this index


def find_answer(session: Session, answer_id: int) -> Answer:
    """The version of that number. Raises errors.NotFound."""
    answer = session.get(Answer, answer_id) if 0 < answer_id < 1 << 31 else None  # PostgreSQL refuses larger numbers
    if answer is None:
        raise errors.NotFound(f"There are no answers with the number {answer_id}.")
    return answer


def stored_cases(session: Session, answer: Answer, active_id: int | None) -> list[StoredCase]:
    """All cases that were posted for the answer's problem, without their values."""
    now, then = aliased(Judgement), aliased(Judgement)
    rows = session.execute(
        select(CaseRow.id, CaseRow.submission_id, CaseRow.case_index, CaseRow.value_hash, now.correct, then.correct)
        .join(Submission, Submission.id == CaseRow.submission_id)
        .outerjoin(now, (now.case_id == CaseRow.id) & (now.answer_id == active_id))
        .outerjoin(then, (then.case_id == CaseRow.id) & (then.answer_id == answer.id))
        .where(Submission.problem_id == answer.problem_id)
        .order_by(CaseRow.id)
    )
    return [
        StoredCase(case, submission, index, digest, before, after, index < answer.value_count)
        for case, submission, index, digest, before, after in rows
    ]


def judge_missing(session: Session, answer: Answer, cases: Sequence[StoredCase]) -> Iterator[tuple[list[int], Judged]]:
    """Verdicts on the cases that have none under the answer yet: the ids of cases of one value, and its verdict."""
    alike: dict[tuple[int, str], list[int]] = {}
    for case in cases:
        if case.asked and case.then is None:
            alike.setdefault((case.index, case.value_hash), []).append(case.id)
    if not alike:
        return
    expected = values.unpack(answer.values)
    for (index, _), ids in alike.items():
        data = session.execute(select(CaseRow.value).where(CaseRow.id == ids[0])).scalar_one()
        yield ids, judge(values.unpack(data), expected[index], answer.rtol, answer.atol)


def store(session: Session, answer_id: int, found: dict[int, Judged], now: datetime) -> None:
    """Add the verdicts, by cases.id, to the tables."""
    rest = iter(found.items())
    while rows := list(islice(rest, _ROWS_A_STATEMENT)):
        session.execute(
            insert(Judgement),
            [
                {
                    "case_id": case_id,
                    "answer_id": answer_id,
                    "correct": judged.correct,
                    "message": judged.message,
                    "judged_at": now,
                    "judged_by": __version__,
                }
                for case_id, judged in rows
            ],
        )


def judge_ahead(database: Database, answer_id: int, now: datetime) -> int:
    """Judge what is stored under a version that is not active yet, and keep the verdicts; how many those were.

    For `regrade.apply`, which has the whole problem to itself while it judges: what was judged ahead it finds done, and
    students who submit meanwhile wait for moments and not for minutes. Points do not change by it. Nobody is kept out:
    the judging holds no lock, and each batch of verdicts is stored in a transaction of its own.
    """
    done = 0
    while True:
        with database.read() as session:
            answer = find_answer(session, answer_id)
            batch = dict(_first(judge_missing(session, answer, stored_cases(session, answer, None)), _AHEAD))
        if not batch:
            return done
        with database.write() as session:
            catalogue.lock_problem(session, answer.problem_id)
            known = _known(session, answer_id, batch)
            store(session, answer_id, {case: judged for case, judged in batch.items() if case not in known}, now)
        done += len(batch) - len(known)


def _known(session: Session, answer_id: int, cases: Iterable[int]) -> set[int]:
    """Those of the cases that have a verdict under the answer."""
    rest, known = iter(cases), set[int]()
    # A class posts the same right value ten thousand times, and PostgreSQL takes 65,535 parameters in a query.
    while ids := list(islice(rest, _ROWS_A_STATEMENT)):
        known.update(
            session.scalars(
                select(Judgement.case_id).where(Judgement.answer_id == answer_id, Judgement.case_id.in_(ids))
            )
        )
    return known


def _first(found: Iterator[tuple[list[int], Judged]], count: int) -> Iterator[tuple[int, Judged]]:
    for ids, judged in islice(found, count):
        for case_id in ids:
            yield case_id, judged
