"""A web server that misbehaves as told, for the tests of downloads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

import pytest


class FileServer(ThreadingHTTPServer):
    """Serves `files` by their paths; `behaviours` are taken one a request, and `honest` follows when none is left."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.behaviours: list[Callable[[_Handler, bytes], None]] = []
        self.asked: list[tuple[str, str]] = []  # each request's path and its Range, "" where all was asked for

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *arguments: Any) -> None:
        """A client that is killed is a part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Range", "")))
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        behaviour = self.server.behaviours.pop(0) if self.server.behaviours else honest
        behaviour(self, content)

    def log_message(self, *arguments: Any) -> None:
        pass

    def start(self, content: bytes) -> int:
        """Headers for all of the content, or for what Range asks for; gives the first byte's number."""
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if begin >= len(content):
            self.reply(416, b"")
            return len(content)
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        return begin

    def reply(self, status: int, content: bytes, **headers: str) -> None:
        """One reply of that content, whatever was asked for."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def honest(handler: _Handler, content: bytes) -> None:
    """What was asked for, ranges included."""
    begin = handler.start(content)
    handler.wfile.write(content[begin:])


def cut_off(after: int) -> Callable[[_Handler, bytes], None]:
    """Promise all that was asked for, send `after` bytes of it, and close the connection."""

    def behave(handler: _Handler, content: bytes) -> None:
        begin = handler.start(content)
        handler.wfile.write(content[begin : begin + after])
        handler.close_connection = True

    return behave


def hang_up(handler: _Handler, _content: bytes) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def stall(after: int, until: threading.Event) -> Callable[[_Handler, bytes], None]:
    """Send `after` bytes, and no more until the event."""

    def behave(handler: _Handler, content: bytes) -> None:
        begin = handler.start(content)
        handler.wfile.write(content[begin : begin + after])
        handler.wfile.flush()
        until.wait(60)
        handler.close_connection = True

    return behave


def ignore_range(handler: _Handler, content: bytes) -> None:
    """All of it, from the beginning, as servers do that know no ranges."""
    handler.reply(200, content)


def other_range(handler: _Handler, content: bytes) -> None:
    """A part that nobody asked for."""
    handler.reply(206, content[1:], Content_Range=f"bytes 1-{len(content) - 1}/{len(content)}")


def instead(content: bytes, **headers: str) -> Callable[[_Handler, bytes], None]:
    """Other content, as if it were the file's."""
    return lambda handler, _content: handler.reply(200, content, **headers)


def answer(status: int, **headers: str) -> Callable[[_Handler, bytes], None]:
    """That status, and nothing else."""
    return lambda handler, _content: handler.reply(status, b"", **headers)


@contextlib.contextmanager
def serving() -> Iterator[FileServer]:
    """A server, until the end of the block."""
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def at_once(monkeypatch: pytest.MonkeyPatch, fetching: ModuleType) -> None:
    """Let downloads go on without pauses, and straight to the server whatever proxy this machine has."""
    monkeypatch.setattr(fetching, "PAUSE_S", 0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
