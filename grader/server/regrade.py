"""Publish answers, see who would change, and judge every stored value anew."""

from __future__ import annotations

from dataclasses import dataclass


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


# publish(session, actor, assignment_name, problem_name, values, now) -> Published(version, state, preview | None)
# preview(session, answer_id) -> Preview
# apply(session, actor, answer_id, now) -> Preview        what was changed
# recount(session) -> int                                 rebuild `tallies`; how many were wrong
