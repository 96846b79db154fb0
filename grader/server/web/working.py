"""How a handler has its work done: in a thread, so that the one event loop never waits for a database or a parser.

A body is read once it is known whose it is: a stranger's takes no memory. A large one is worked on by few threads at a
time: 8 MB of JSON takes some 200 MB while it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from fastapi import Request

from grader.server.errors import NotFound
from grader.server.store.models import Key, Role, User
from grader.server.web import auth

T = TypeVar("T")
_PUBLIC_ID = re.compile(r"[0-9a-f]{32}")


async def identified(request: Request, key: str, *roles: Role) -> tuple[User, Key]:
    """Who sent the key. Raises Unauthorized, or Forbidden where it is none of the roles."""

    def look() -> tuple[User, Key]:
        with request.app.state.database.read() as session:
            return auth.person(request, session, key, *roles)

    return await in_thread(look)


async def with_body(request: Request, body: bytes, work: Callable[[], T]) -> T:
    """Do work that reads the body."""
    large = len(body) >= request.app.state.settings.heavy_body
    return await in_thread(work, request.app.state.heavy if large else None)


async def in_thread(work: Callable[[], T], limiter: anyio.CapacityLimiter | None = None) -> T:
    """Do work that may wait. limiter: how many may at a time; None: Settings.threads."""
    return await anyio.to_thread.run_sync(work, limiter=limiter)


def checked_id(public_id: str) -> str:
    """A submission's id, if it can be one. Raises NotFound."""
    if not _PUBLIC_ID.fullmatch(public_id):
        raise NotFound(f"There is no submission {public_id!r:.60}; expected the id that /submit gave.")
    return public_id
