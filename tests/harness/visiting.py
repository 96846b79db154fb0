"""What the tests of the pages share: somebody at a browser without scripts, and a course to look at."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
from gradebooks import HOUR, submit, values
from servers import NOW, Live

if TYPE_CHECKING:
    from servers import Course

DUE = NOW + timedelta(days=7)
HTML = {"Accept": "text/html,application/xhtml+xml"}


class Visitor:
    """A browser: it keeps cookies, follows nothing by itself, and fills in forms."""

    def __init__(self, live: Live, login: str = "") -> None:
        self.live = live
        self.cookies = httpx.Cookies()
        if login:
            reply = self.sign_in(live.course.keys[login])
            assert reply.status_code == 303, reply.text

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **request: Any) -> httpx.Response:
        """One request, with the cookies, and a connection of its own: nothing is left to be closed."""
        with httpx.Client(base_url=self.live.url, cookies=self.cookies, verify=False, timeout=60) as client:
            reply = client.request(method, path, headers={**HTML, **(headers or {})}, **request)
            self.cookies = client.cookies
        return reply

    def get(self, path: str, **query: Any) -> httpx.Response:
        """A page."""
        return self.ask("GET", path, params=query or None)

    def post(self, path: str, data: dict[str, Any], **request: Any) -> httpx.Response:
        """A form, as it is."""
        return self.ask("POST", path, data=data, **request)

    def send(self, path: str, on: str, files: Any = None, **fields: Any) -> httpx.Response:
        """A form to `path` with the token of the page `on`."""
        return self.post(path, {"csrf": csrf(self.get(on).text), **fields}, files=files)

    def sign_in(self, key: str, **fields: str) -> httpx.Response:
        """Fills in the sign-in form."""
        return self.send("/signin", on="/signin", key=key, **fields)


def routes(method: str) -> list[str]:
    """The path of every page, or of every form, with something in the place of its names."""
    from grader.server.pages import FAMILIES

    found = [route for family in FAMILIES for route in family.router.routes]
    return [
        route.path.format(name="toy", login="ada", answer_id=1, public_id="PUBLIC")
        for route in found
        if method in route.methods
    ]


def csrf(html: str) -> str:
    """The token of the page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found, html
    return found[1]


def text(html: str) -> str:
    """What a person reads on the page, in one line."""
    bare = re.sub(r"<(script|style|title)\b.*?</\1>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(bare).split())


def busy(course: Course) -> dict[str, str]:
    """Rules, and submissions of ada (all of "add", half of "scale") and bob (late); public ids by whose they are."""
    course.policy("toy", due_at=DUE, grace_minutes=5, max_late_days=2, penalty_percent=10.0, attempts_per_hour=6)
    return {
        "ada": submit(course, "ada", "add", values("add", 3), NOW + HOUR),
        "ada2": submit(course, "ada", "scale", values("scale", 2), NOW + HOUR),
        "bob": submit(course, "bob", "add", values("add", 1), DUE + HOUR),
    }
