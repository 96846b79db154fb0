"""The application: the API, the pages, and what surrounds every request.

From the outside in:

    RequestLog        an id and a line of the log for each
    SecurityHeaders   what a browser must not do with a reply
    Faults            what we did not foresee: 500, one sentence, everything in the log
    Limits            sizes, before anything is read
    routes            wire.py, api.py, pages/, /healthz, /docs

A refusal (errors.Problem) is a line of text for programs, and a page for a person's browser.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import grader
from grader.server import pages
from grader.server.clock import Clock, utc_now
from grader.server.desk.submissions import Desk
from grader.server.errors import Problem
from grader.server.settings import Settings
from grader.server.store.database import Database
from grader.server.web import api, api_docs, wire
from grader.server.web.described import refusals
from grader.server.web.limits import Limits
from grader.server.web.logs import RequestLog, say

_API = ("/submit", "/submit_test", "/publish", "/api", "/_", "/healthz", "/openapi.json")
# For replies that set none of their own (pages allow themselves their style): nothing is loaded, run or framed.
_HEADERS = {
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",  # a key in a query must not travel on in a Referer
    b"cache-control": b"no-store",
}
_HSTS = b"max-age=31536000"  # seconds: once over TLS, for a year only over TLS; a key must never go out in the clear


def create_app(settings: Settings, database: Database, clock: Clock = utc_now) -> FastAPI:
    """The application over a migrated database. Handlers find these three in request.app.state."""
    app = FastAPI(
        title="needle-grader",
        version=grader.__version__,
        summary="A mugrade-compatible server with a gradebook.",
        docs_url=None,  # FastAPI's own pages load scripts from another site; api_docs.py needs none
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,  # a redirect would repeat the key in a Location header
    )
    app.state.settings = settings
    app.state.database = database
    app.state.clock = clock
    app.state.desk = Desk(database, settings)
    app.state.heavy = anyio.CapacityLimiter(settings.heavy_threads)
    app.include_router(wire.router)
    app.include_router(api.router)
    app.include_router(api_docs.router)
    app.add_api_route(
        "/healthz", _healthz, methods=["GET"], tags=["server"], summary="Whether the server works", responses=refusals()
    )
    pages.mount(app)
    app.add_exception_handler(Problem, _refused)
    app.add_exception_handler(RequestValidationError, _misunderstood)
    app.add_exception_handler(HTTPException, _not_there)
    # The last one added is the outermost.
    app.add_middleware(Limits, body_limit=settings.body_limit, query_limit=settings.query_limit)
    app.add_middleware(Faults)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Handlers written as plain functions share these threads; a connection of the database each, and no more.
    anyio.to_thread.current_default_thread_limiter().total_tokens = app.state.settings.threads
    # What is there now stays: gone through at every full collection, it costs the gradebook page 40 ms.
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def _healthz(request: Request) -> dict[str, str]:
    """Answers `{"status": "ok", "version": ...}` once the database has answered; 503 where it does not."""
    request.app.state.database.ping()
    return {"status": "ok", "version": grader.__version__}


class SecurityHeaders:
    """Adds the headers that a reply lacks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                there = {name.lower() for name, _ in headers}
                headers += [(name, value) for name, value in _HEADERS.items() if name not in there]
                if scope.get("scheme") == "https":
                    headers.append((b"strict-transport-security", _HSTS))
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, adding if scope["type"] == "http" else send)


class Faults:
    """Our faults: the log has everything, the person one sentence and the id to ask about."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except ClientDisconnect:  # gone in the middle of its body: no fault, and nobody is left to be told
            return
        except Exception as error:
            if scope["type"] != "http":
                raise
            request_id = scope["state"]["request_id"]
            say("fault", level=logging.ERROR, exception=error, path=scope["path"], request_id=request_id)
            if started:
                raise
            sentence = f"The server has a fault; tell the course's staff the number {request_id}."
            await _told(Request(scope), 500, sentence, {}, request_id)(scope, receive, send)


def _told(request: Request, status: int, sentence: str, headers: dict[str, str], request_id: str = "") -> Response:
    """The refusal: a line of text for programs, a page for a person's browser."""
    path = request.url.path
    of_api = any(path == prefix or path.startswith(f"{prefix}/") for prefix in _API)
    if of_api or "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(sentence, status, headers)
    page: HTMLResponse = pages.error_page(request, status, sentence, request_id)
    page.headers.update(headers)
    return page


async def _refused(request: Request, problem: Any) -> Response:
    return _told(request, problem.status, problem.sentence, dict(problem.headers))


async def _misunderstood(request: Request, error: Any) -> Response:
    """A parameter that is missing or of the wrong kind: its name, its value, what was expected."""
    first = error.errors()[0]
    where, name = first["loc"][0], str(first["loc"][-1])
    if where == "header":
        name = f"The header {name}"
    if first["type"] == "missing":
        return _told(request, 422, f"{name} is missing; expected it in the {where}.", {})
    expected = first["msg"][:1].lower() + first["msg"][1:]
    return _told(request, 422, f"{name} has value {str(first['input'])[:60]!r}; {expected}.", {})


async def _not_there(request: Request, error: Any) -> Response:
    """What the router refuses: no such path, or not with this method."""
    path = request.url.path[:80]
    if error.status_code == 404:
        sentence = f"There is nothing at {path!r}; expected a path of those at /docs."
    elif error.status_code == 405:
        sentence = f"{path!r} does not take {request.method}; expected {error.headers['Allow']}."
    else:
        sentence = f"{error.detail}."
    return _told(request, error.status_code, sentence, dict(error.headers or {}))
