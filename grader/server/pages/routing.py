"""Routes of pages: what goes wrong in them is told as a page, not as the API's line of text."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from grader.server.errors import NotFound, Problem
from grader.server.pages.rendering import page, see_other

TITLES = {
    400: "This could not be read",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Not possible now",
    413: "Too large",
    422: "Not understood",
    429: "Too many",
    500: "Our fault",
    503: "Busy",
}


class SignInFirst(Exception):
    """Nobody is signed in; the text is the path to come back to."""


class PageRoute(APIRoute):
    """A route whose refusals are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with what it refuses made into pages."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                if "\0" in request.url.path or b"%00" in request.scope["query_string"]:
                    raise NotFound("There is no page at this address.")  # PostgreSQL takes no zero byte in a text
                return await handler(request)
            except SignInFirst as back:
                return see_other("/signin" if str(back) == "/" else f"/signin?next={quote(str(back), safe='')}")
            except Problem as problem:
                return error_page(request, problem.status, problem.sentence)
            except RequestValidationError:
                return error_page(request, 404, "There is no page at this address.")
            except HTTPException as refused:
                return error_page(request, refused.status_code, str(refused.detail))

        return handle


def new_router() -> APIRouter:
    """A router for pages. They are not part of the API, so not of its description."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def error_page(request: Request, status: int, sentence: str, request_id: str = "") -> HTMLResponse:
    """The refusal as a page in the look of the others."""
    title = TITLES.get(status, "This did not work")
    return page(request, "error.html", status, title=title, sentence=sentence, request_id=request_id)
