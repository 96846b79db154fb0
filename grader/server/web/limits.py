"""Before anything is read of a request: how large it may be, and how its path is written.

Pure ASGI, around everything else, so that no route can forget it. A refusal that comes before the body was read is sent
once the rest has been thrown away: a client that is still sending would see a broken connection, and no sentence.
"""

from __future__ import annotations

import re

import anyio
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grader.server.errors import TooLarge

MAX_DISCARDED = 4  # times the limit: who sends more than that does not listen
DISCARD_SECONDS = 30.0


class Limits:
    """Refuses a body over the limit (413) and a URL over its limit (414), and forgives a doubled slash."""

    def __init__(self, app: ASGIApp, body_limit: int, query_limit: int) -> None:
        self.app = app
        self.body_limit = body_limit
        self.query_limit = query_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, self.body_limit)

        async def heard(message: Message) -> None:
            if message["type"] == "http.response.start":
                await body.discard()
            await send(message)

        length = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
        stated = _content_length(scope)
        if length > self.query_limit:
            sentence = f"The URL has {length} bytes after the server's name; expected at most {self.query_limit}."
            await PlainTextResponse(sentence, 414)(scope, receive, heard)
        elif stated > self.body_limit:
            refusal = _too_large(stated, self.body_limit)
            await PlainTextResponse(refusal.sentence, refusal.status)(scope, receive, heard)
        else:
            _single_slashes(scope)
            await self.app(scope, body.receive, heard)


class _Body:
    """The body of a request on its way in."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0
        self._complete = False

    async def receive(self) -> Message:
        """The next part. Raises TooLarge past the limit: a chunked body announces no length."""
        message = await self._next()
        if self._size > self._limit:
            raise _too_large(self._size, self._limit)
        return message

    async def discard(self) -> None:
        """Read to the end and keep nothing."""
        with anyio.move_on_after(DISCARD_SECONDS):
            while not self._complete and self._size <= self._limit * MAX_DISCARDED:
                await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self._complete = self._complete or not message.get("more_body", False)
        return message


def _too_large(size: int, limit: int) -> TooLarge:
    return TooLarge(f"The body has {size} bytes or more; expected at most {limit} ({limit / (1 << 20):g} MiB).")


def _content_length(scope: Scope) -> int:
    """The announced length; 0 where there is none. The server's parser has refused one that is no number."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _single_slashes(scope: Scope) -> None:
    """A client that joins "http://host/" and "/submit" asks for "//submit"."""
    scope["path"] = re.sub("/{2,}", "/", scope["path"])
    if scope.get("raw_path"):
        scope["raw_path"] = re.sub(b"/{2,}", b"/", scope["raw_path"])
