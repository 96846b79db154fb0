"""The pages: rendered here, no framework in the browser, everything usable without scripts.

session.py                   who is signed in; the sign-in form; the tokens of forms
student.py                   own points, a submission
staff.py                     the gradebook, a student's history, exports
insight.py, answers.py       how it goes; answers and regrades
policy_pages.py, roster_pages.py, events_page.py
rendering.py, wording.py     templates and their filters
routing.py, forms.py         refusals as pages; what forms send
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

from grader.server.pages import answers, events_page, insight, policy_pages, roster_pages, session, staff, student
from grader.server.pages.rendering import STATIC
from grader.server.pages.routing import error_page

__all__ = ["FAMILIES", "error_page", "mount", "router"]

FAMILIES = (session, student, staff, insight, answers, policy_pages, roster_pages, events_page)

router = APIRouter(include_in_schema=False)
for family in FAMILIES:
    router.include_router(family.router)


class _Static(StaticFiles):
    """Style and scripts, kept by the browser: their addresses change with their contents (rendering.static)."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, to be kept for a year."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def mount(app: FastAPI) -> None:
    """Adds the pages and their static files to the application."""
    app.include_router(router)
    app.mount("/static", _Static(directory=STATIC), name="static")
