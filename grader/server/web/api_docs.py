"""The API's description for people, at /docs, rendered from OpenAPI: without a script, and without another site."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code,.method{font-family:ui-monospace,monospace}h2{border-top:1px solid #ccc;padding-top:1rem;font-size:1.1rem}"
    "table{border-collapse:collapse;width:100%}td{padding:.2rem .8rem .2rem 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}a{color:#8bf}}"
)
# The one style is in the page; 'unsafe-inline' is for it alone, and everything else stays forbidden.
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Every endpoint, its parameters and its replies."""
    schema = request.app.openapi()
    parts = [
        _endpoint(method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    title = f"{escape(schema['info']['title'])} {escape(schema['info']['version'])}: the API"
    introduction = (
        "<p>The key goes into the header <code>Authorization: Bearer KEY</code>; the course's client sends it as "
        "<code>user_key</code> in the query. Whatever is refused is told in one sentence, as text. For programs: "
        '<a href="/openapi.json">openapi.json</a>.</p>'
    )
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style><h1>{title}</h1>{introduction}{''.join(parts)}</html>",
        headers=_HEADERS,
    )


def _endpoint(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        _row(item["name"], f"in the {item['in']}{'' if item.get('required') else ', optional'}", item)
        for item in operation.get("parameters", ())
    )
    body = operation.get("requestBody")
    if body:
        parameters += _row("the body", "JSON", body)
    replies = "".join(_row(status, "", reply) for status, reply in operation["responses"].items())
    return (
        f'<h2><span class="method">{escape(method.upper())} {escape(path)}</span>: {escape(operation["summary"])}</h2>'
        f"<p>{escape(operation.get('description', ''))}</p>"
        f"<table>{parameters}</table><p>Replies</p><table>{replies}</table>"
    )


def _row(name: str, where: str, item: dict[str, Any]) -> str:
    description = item.get("description", "")
    cells = (f"<code>{escape(name)}</code>", escape(where), escape(description))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
