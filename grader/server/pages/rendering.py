"""Templates to responses: one environment, the filters, and the headers every page carries."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grader.server.clock import Clock
from grader.server.pages import wording

HERE = Path(__file__).parent
STATIC = HERE / "static"

# No script or style but our files: what a name or a message smuggles in is never run, even where escaping failed.
# no-store: a page behind a sign-in must not come back from the disk of a shared machine, least of all with new keys.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def url(*parts: object) -> str:
    """The local path of these parts, each quoted: "/a/hw%204" of "a" and "hw 4"."""
    return "/" + "/".join(quote(str(part), safe="") for part in parts)


@cache
def static(name: str) -> str:
    """The address of a static file. It carries the content's hash: a new version is never an old one's cache."""
    digest = sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= wording.FILTERS
    env.globals |= {"url": url, "static": static}
    env.globals["m"] = env.get_template("macros.html").module
    return env


templates = _environment()


def now(request: Request) -> datetime:
    """The moment, by the application's clock."""
    clock: Clock = request.app.state.clock
    return clock()


def address(request: Request) -> str:
    """How people reach this server, for the commands that a page shows."""
    return str(request.app.state.settings.public_url or request.base_url)


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The template as a response. `viewer` is known to it wherever someone is signed in."""
    context.setdefault("assignment", None)
    context.setdefault("tab", "")
    context.setdefault("note", wording.note(request.query_params.get("done", "")))
    html = templates.get_template(template).render(
        viewer=getattr(request.state, "viewer", None), now=now(request), path=request.url.path, **context
    )
    return HTMLResponse(html, status, HEADERS)


def see_other(path: str, done: str = "") -> RedirectResponse:
    """After a form was done: a GET of a local path, with a note of what was done."""
    return RedirectResponse(path + (f"?done={done}" if done else ""), 303, HEADERS)


def download(text: str, filename: str, *, marked: bool = False) -> Response:
    """A CSV file to be saved; `marked` puts a byte order mark in front, without which Excel misreads UTF-8."""
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{_safe(filename)}"'}
    return Response(text.encode("utf-8-sig" if marked else "utf-8"), 200, headers, "text/csv; charset=utf-8")


def _safe(filename: str) -> str:
    """Only what no header and no file system takes amiss."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in filename)
