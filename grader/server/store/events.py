"""Who did what: a row for everything that a person did about keys, people, settings and answers."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from grader.server.clock import utc_now
from grader.server.store.models import Event, User

ABOUT_LENGTH = 300  # characters of `about` that the table holds


def record(session: Session, actor: User | None, kind: str, about: str, **details: Any) -> None:
    """Add an event; it is stored together with what the session changed, or not at all.

    actor: who did it; None for the command line on the server's own machine.
    kind: "key.rotated"; about: whom or what, in words; details: JSON-able, and never a key or a value of an answer.
    """
    session.add(
        Event(
            at=utc_now(),
            actor_id=actor.id if actor else None,
            kind=kind,
            about=about[:ABOUT_LENGTH],
            details=details,
        )
    )
