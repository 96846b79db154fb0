"""The audit log: who did what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import select

from grader.server.pages.rendering import page
from grader.server.pages.routing import new_router
from grader.server.pages.session import Staff
from grader.server.store.models import Event, User

router = new_router()

A_PAGE = 100  # events


@dataclass(frozen=True)
class Line:
    """An event, as shown."""

    id: int
    at: datetime
    actor: str  # login; empty for the command line of the server's machine
    kind: str
    about: str
    details: str  # "points: 3, key: ndl_abc"


@router.get("/events")
def events(request: Request, viewer: Staff, before: int | None = None, kind: str = "") -> Response:
    """The newest events, or those before one; of one kind, or of all."""
    wanted = select(Event, User.login).outerjoin(User, User.id == Event.actor_id).order_by(Event.id.desc())
    if before is not None:
        wanted = wanted.where(Event.id < min(before, 2**31 - 1))
    if kind:
        wanted = wanted.where(Event.kind == kind)
    with request.app.state.database.read() as session:
        found = session.execute(wanted.limit(A_PAGE + 1)).all()
        kinds = session.scalars(select(Event.kind).distinct().order_by(Event.kind)).all()
    lines = [Line(e.id, e.at, login or "", e.kind, e.about, _told(e.details)) for e, login in found[:A_PAGE]]
    older = lines[-1].id if len(found) > A_PAGE else None
    return page(request, "events.html", tab="events", lines=lines, kinds=kinds, kind=kind, older=older, before=before)


def _told(details: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {_value(value)}" for name, value in details.items() if value not in (None, "", [], {}))


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{name} {_value(item)}" for name, item in value.items())
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)
