"""Requests byte for byte, as no library would send them."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

SECONDS = 60.0


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    text: str


def request(method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """The bytes of a request; its Content-Length is stated, unless the headers have one or say that it is chunked."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    stated = {name.lower() for name, _ in headers} & {"content-length", "transfer-encoding"}
    if body and not stated:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(*parts: bytes) -> bytes:
    """The parts as a chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def connect(url: str) -> socket.socket:
    """A connection to the server."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=SECONDS)


def reply(connection: socket.socket, method: str = "POST") -> Reply:
    """The reply to what was sent."""
    with http.client.HTTPResponse(connection, method=method) as response:
        response.begin()
        return Reply(response.status, response.headers, response.read().decode())


def send(url: str, data: bytes, method: str = "POST", *, half_close: bool = False) -> Reply:
    """Send these bytes; the reply. half_close: say that no more will come."""
    with connect(url) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return reply(connection, method)
