"""A connection that sends no request is closed. It needs no key, and enough of them would keep everybody out.

uvicorn itself ends a connection that stays idle after a reply, but not one that never asks, nor one that asks a letter
at a time. The time for a request's body is another matter (limits.py): 8 MB take a while on a slow line.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0


class Patient(H11Protocol):
    """HTTP by h11, with an end to the wait for a request's first line and headers."""

    head_seconds = HEAD_SECONDS
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn says so too
        """The first request is waited for."""
        super().connection_made(transport)
        self._await_request()

    def on_response_complete(self) -> None:
        """The next one is."""
        super().on_response_complete()
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """None is."""
        self._forget()
        super().connection_lost(exc)

    def _await_request(self) -> None:
        self._forget()
        self._timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # else one is being answered, and may take its time
            self.transport.close()
