"""What the server writes of itself: a line of JSON for each request and each fault, and never a key.

    {"time": ..., "level": "info", "event": "request", "method": "POST", "path": "/submit_test", "status": 200,
     "ms": 3.1, "login": "mwu7", "request_id": "..."}

The query is never written: the course's client sends the key in it. What else could carry one (uvicorn's own lines, the
text of an exception) goes through `redacted`.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from datetime import datetime, timezone
from typing import IO, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grader.server.store.keys import PATTERN

LOGGER = logging.getLogger("grader.server")
_SECRETS = (
    (re.compile(r"(user_key=)[^&\s\"']*", re.IGNORECASE), r"\1..."),
    (re.compile(r"(bearer\s+)[^\s\"',]+", re.IGNORECASE), r"\1..."),
    (PATTERN, "ndl_..."),
)
_FIELDS = "fields"  # attribute of a log record: what its line says besides


def redacted(text: str) -> str:
    """The text without what is, or looks like, a key."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class JsonLines(logging.Formatter):
    """A record as one line of JSON, without keys."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback is a field of it, so that a line stays a record."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.name != LOGGER.name:
            fields["logger"] = record.name
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        # Before JSON escapes it: a quotation mark ends a key, and so would its escape.
        return json.dumps({name: _clean(value) for name, value in fields.items()}, ensure_ascii=True)


def configure(stream: IO[str] | None = None) -> None:
    """Send everything, uvicorn's lines too, to `stream` (default: standard error) as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    for logger in (LOGGER, logging.getLogger("uvicorn"), logging.getLogger("alembic"), logging.getLogger("sqlalchemy")):
        logger.handlers = [handler]
        logger.propagate = False
    LOGGER.setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.INFO)
    for name in ("uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name in ("alembic", "sqlalchemy", "uvicorn.access"):  # the last writes the query, and the key in it
        logging.getLogger(name).setLevel(logging.WARNING)


def say(event: str, *, level: int = logging.INFO, exception: BaseException | None = None, **fields: Any) -> None:
    """Log an event with its fields."""
    LOGGER.log(level, event, exc_info=exception, extra={_FIELDS: fields})


class RequestLog:
    """Gives each request an id, which its reply carries too, and logs it once it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Ours, never the client's: what is in a log under an id must be one request.
        request_id = secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        status, started = 0, time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            say(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,  # 0: the client had gone before it was answered
                ms=round((time.perf_counter() - started) * 1000, 1),
                login=state.get("login"),
                request_id=request_id,
            )


def _clean(value: Any) -> Any:
    return redacted(value) if isinstance(value, str) else value
