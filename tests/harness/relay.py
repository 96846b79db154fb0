"""Between a client and a server: passes everything on, until it is told to swallow the reply to a case."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Relay:
    """A relay in front of a server."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.url = ""
        self.swallow = 0  # the reply to which post of a case never arrives, from 1; 0: all arrive
        self.swallowed = threading.Event()  # when that one has been judged
        self.ended = threading.Event()
        self._cases = 0

    def holds_back(self, path: str) -> bool:
        """Whether the reply to this request is the one."""
        self._cases += path.startswith("/submit_test")
        return bool(self.swallow) and path.startswith("/submit_test") and self._cases == self.swallow


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    relay: Relay

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.relay.server)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        with contextlib.closing(connection):
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request(self.command, self.path, body, headers)
            reply = connection.getresponse()
            text = reply.read()
        if self.relay.holds_back(self.path):
            self.relay.swallowed.set()
            self.relay.ended.wait()
            return
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def finish(self) -> None:
        """The client may be gone."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *arguments: Any) -> None:
        """Silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *arguments: Any) -> None:
        """A client that is killed is no error of a test."""


@contextlib.contextmanager
def relaying(server: str) -> Iterator[Relay]:
    """A relay in front of that server, on a port of the system's choice."""
    relay = Relay(server)
    http_server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"relay": relay}))
    relay.url = f"http://127.0.0.1:{http_server.server_address[1]}/"
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.ended.set()
        http_server.shutdown()
        http_server.server_close()
        thread.join()
