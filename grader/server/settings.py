"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.server.store.database import DEFAULT_URL

MIB = 1 << 20


@dataclass(frozen=True)
class Settings:
    """One server's settings; they do not change while it runs."""

    database: str = DEFAULT_URL
    host: str = "127.0.0.1"  # nobody else's machine, unless told so
    port: int = 8600  # 0: one that is free
    suites: tuple[Path, ...] = ()  # folders with an assignment.toml each
    tls_cert: Path | None = None  # PEM; with tls_key the server speaks HTTPS itself
    tls_key: Path | None = None
    proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-For and X-Forwarded-Proto are believed; others' are not
    public_url: str = ""  # how people reach it, where a proxy is in front; empty: as it listens
    body_limit: int = 8 * MIB  # bytes of a request's body
    query_limit: int = 4096  # bytes of a URL's path and query: names, an id and a key need a few hundred
    submission_minutes: int = 60  # from `submit` on, in which cases are taken
    session_hours: float = 12.0  # a signed-in browser
    max_cases: int = 1000  # values that one problem's answers may have
    threads: int = 16  # requests worked on at a time; the others wait
    heavy_threads: int = 2  # of which with a large body: 8 MB of JSON becomes some 200 MB while it is read
    heavy_body: int = MIB // 4  # bytes from which on a body is large
