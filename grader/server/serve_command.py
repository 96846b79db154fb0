"""`python -m grader serve`: the options, and nothing heavy until they are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from grader.assignment import own_suite
from grader.errors import UsageError

DATABASE_VARIABLE = "GRADER_DATABASE"
_DATABASE = "sqlite:///gradebook.sqlite3"
_SUITE = own_suite(Path(__file__).resolve().parents[2])


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 for all of this machine's.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: one that is free.")] = 8600,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help=f"sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME. Default: ${DATABASE_VARIABLE}, or "
            f"{_DATABASE}.",
        ),
    ] = None,
    suite: Annotated[list[Path] | None, typer.Option(help="An assignment's folder; may be repeated.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM: the server speaks HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS", help="A reverse proxy whose X-Forwarded headers are believed; may be repeated."
        ),
    ] = None,
    public_url: Annotated[str, typer.Option(help="How people reach it, where a proxy is in front.")] = "",
) -> None:
    """Run the server: submissions, answers, the gradebook. Prints a first instructor's key the first time."""
    if not 0 <= port <= 65535:
        raise UsageError(f"--port has value {port}; expected a number from 0 to 65535.")
    try:
        from grader.server.serve import serve as run
        from grader.server.settings import Settings
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the server needs the package {error.name}, which is not installed; run `pip install -e '.[course]'`."
        ) from None
    run(
        Settings(
            database=database or os.environ.get(DATABASE_VARIABLE) or _DATABASE,
            host=host,
            port=port,
            suites=tuple(suite or [_SUITE]),
            tls_cert=tls_cert,
            tls_key=tls_key,
            proxies=tuple(proxy or ()),
            public_url=_checked_url(public_url),
        )
    )


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise UsageError(f"--public-url has value {url!r}; expected such as 'https://grades.example.edu/'.")
    return url if not url or url.endswith("/") else f"{url}/"
