"""The pages in a real Chromium against a real server: scripts, style and policy together, as people meet them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gradebooks import HOUR, row, submit
from servers import NOW, VALUES, Live, opened
from sqlalchemy import update
from visiting import DUE, busy

from grader.server.store.models import User

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = Path("/usr/bin/chromium")
ARGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
SHOWN = "#book tbody tr:not([hidden]) small"  # logins of the rows that the filters leave

STAFFS = ("gradebook", "students/ada", "statistics", "live", "answers", "answers/1", "policy")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for all tests of this file."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=[*ARGS, "--disable-sync", "--no-first-run"]
        )
        yield browser
        browser.close()


@pytest.fixture
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """SQLite: the browser cannot tell."""
    with opened("sqlite", tmp_path, request) as found:
        yield found


@pytest.fixture
def ids(live_server: Live) -> dict[str, str]:
    """Submissions to look at; bob is in section B, and the names are such as break a layout."""
    found = busy(live_server.course)
    with live_server.course.database.write() as session:
        session.execute(update(User).where(User.login == "bob").values(section="B"))
        session.execute(update(User).where(User.login == "eve").values(name="<img src=x onerror=alert(1)>" + "x" * 160))
    return found


class Tab:
    """A page of the browser; whatever it complains about is a failure."""

    def __init__(self, browser: Any, live: Live, **options: Any) -> None:
        self.live, self.complaints = live, list[str]()
        self.context = browser.new_context(base_url=live.url, timezone_id="Asia/Kathmandu", locale="en-GB", **options)
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.context.close()
        assert kind or self.complaints == []

    def sign_in(self, login: str) -> None:
        """By the form."""
        self.page.goto("/signin")
        self.page.get_by_label("Your key").fill(self.live.course.keys[login])
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("button", name="Sign out").wait_for()

    def logins(self) -> list[str]:
        """The gradebook's rows that can be seen, from top to bottom."""
        found: list[str] = self.page.locator(SHOWN).all_inner_texts()
        return found

    def paths(self, ids: dict[str, str]) -> Iterator[str]:
        """Goes through every page of the staff, each with its path."""
        for path in ("", "roster", "roster/eve", "events", *(f"a/toy/{name}" for name in STAFFS)):
            self.page.goto(f"/{path}")
            yield path
        self.page.goto(f"/a/toy/submissions/{ids['ada2']}")
        yield "submission"


# -- every page ------------------------------------------------------------------------------------------------------


def test_no_page_runs_off_the_side_of_a_phone(chromium: Any, live_server: Live, ids: dict[str, str]) -> None:
    """Nothing is wider than the screen but what scrolls by itself; no error, no refused script or style."""
    with Tab(chromium, live_server, viewport=PHONE) as tab:
        tab.sign_in("prof")
        for path in tab.paths(ids):
            assert tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    with Tab(chromium, live_server, viewport=PHONE) as tab:
        tab.sign_in("ada")
        for path in ("/a/toy", f"/a/toy/submissions/{ids['ada2']}"):
            tab.page.goto(path)
            assert tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!text || !element.checkVisibility() || element.closest("svg, option, :disabled")) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName}.${element.className} ${element.textContent.trim()} ${ratio}`);
  }
  return poor;
}"""  # https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio; 4.5 is level AA for text

LABELS = """() => [...document.querySelectorAll("input:not([type=hidden]), select")]
  .filter((field) => !field.labels.length).map((field) => field.outerHTML)"""
HEADS = (
    """() => [...document.querySelectorAll("th:not([scope]), table:not(:has(th))")].map((found) => found.outerHTML)"""
)
IDS = """() => [...document.querySelectorAll("[id]")].map((found) => found.id)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_read_by_everybody(
    chromium: Any, live_server: Live, ids: dict[str, str], scheme: Any
) -> None:
    """Text stands out from its ground, fields have labels, tables heads with a scope, ids are unique, one h1."""
    with Tab(chromium, live_server, viewport=DESK, color_scheme=scheme) as tab:
        tab.sign_in("prof")
        for path in tab.paths(ids):
            assert tab.page.evaluate(CONTRAST) == [], path
            assert tab.page.evaluate(LABELS) == [], path
            assert tab.page.evaluate(HEADS) == [], path
            found = tab.page.evaluate(IDS)
            assert sorted(set(found)) == sorted(found), path
            assert tab.page.locator("h1").count() == 1, path
            assert tab.page.locator("html[lang=en] main").count() == 1, path


def test_the_keyboard_reaches_the_content(chromium: Any, live_server: Live, ids: dict[str, str]) -> None:
    """The first tab stop skips the navigation, can be seen, and leads to the content."""
    with Tab(chromium, live_server, viewport=DESK) as tab:
        tab.sign_in("prof")
        tab.page.goto("/a/toy/gradebook")
        tab.page.keyboard.press("Tab")
        skip = tab.page.get_by_role("link", name="Skip to the content")
        assert skip.evaluate("(link) => link === document.activeElement && link.getBoundingClientRect().left >= 0")
        assert skip.evaluate("(link) => getComputedStyle(link).outlineStyle") == "solid"
        tab.page.keyboard.press("Enter")
        assert tab.page.url.endswith("#main")


# -- the gradebook ---------------------------------------------------------------------------------------------------


def test_sort_search_and_filter(chromium: Any, live_server: Live, ids: dict[str, str]) -> None:
    """At once, without the server; the address follows, so that the page comes back as it was."""
    with Tab(chromium, live_server, viewport=DESK) as tab:
        tab.sign_in("prof")
        tab.page.goto("/a/toy/gradebook")
        asked: list[str] = []
        tab.page.on("request", lambda request: asked.append(request.url) if "icon" not in request.url else None)
        head = tab.page.get_by_role("columnheader", name=re.compile("^Total"))
        head.get_by_role("link").click()
        assert tab.logins() == ["ada", "bob", "eve"]
        assert head.get_attribute("aria-sort") == "descending"
        head.get_by_role("link").click()
        assert tab.logins() == ["eve", "bob", "ada"]
        tab.page.get_by_label("Name or login").fill("b")
        assert tab.logins() == ["bob"]
        assert tab.page.get_by_role("status").inner_text() == "1 of 3 students"
        tab.page.get_by_label("Name or login").fill("")
        tab.page.get_by_label("Section").select_option("B")
        assert tab.logins() == ["bob"]
        assert asked == []
        tab.page.reload()
        assert tab.logins() == ["bob"]
        tab.page.get_by_label("Section").select_option("")
        assert tab.logins() == ["eve", "bob", "ada"]
        assert tab.page.url.endswith("/a/toy/gradebook?sort=total&order=asc")


def test_the_head_and_the_names_stay_in_sight(chromium: Any, live_server: Live, ids: dict[str, str]) -> None:
    """On a phone the gradebook scrolls both ways inside its frame; the head and the first column do not move."""
    with live_server.course.database.write() as session:
        for i in range(40):
            user = live_server.course.user(session, "ada")
            session.add(User(login=f"s{i}", name=f"Student, {i}", role=user.role, created_at=user.created_at))
    with Tab(chromium, live_server, viewport=PHONE) as tab:
        tab.sign_in("prof")
        tab.page.goto("/a/toy/gradebook")
        corner = tab.page.locator("#book thead th").first
        before = corner.bounding_box()
        tab.page.locator(".book").evaluate("(frame) => frame.scrollTo(120, 600)")
        assert tab.page.locator(".book").evaluate("(frame) => [frame.scrollLeft > 50, frame.scrollTop]") == [True, 600]
        assert corner.bounding_box() == before


def test_exports_are_saved_as_files(chromium: Any, live_server: Live, ids: dict[str, str]) -> None:
    """A click saves the CSV under the assignment's name."""
    with Tab(chromium, live_server, viewport=DESK) as tab:
        tab.sign_in("robot")
        tab.page.goto("/a/toy/gradebook")
        tab.page.get_by_text("Export", exact=True).click()
        with tab.page.expect_download() as download:
            tab.page.get_by_role("link", name="Canvas CSV").click()
        assert download.value.suggested_filename == "toy-canvas.csv"
        assert (
            Path(download.value.path()).read_text("utf-8").startswith("Student,ID,SIS User ID,SIS Login ID,Section,toy")
        )


# -- what an instructor does -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_instructors_evening(chromium: Any, live_server: Live, ids: dict[str, str], scripts: bool) -> None:
    """Search, sort, an extension, a regrade, a roster, a sign-out: by clicks alone, with scripts and without."""
    answer = live_server.course.publish("toy", "add", [VALUES["add"][0], 0, 0], active=False)
    with Tab(chromium, live_server, viewport=DESK, java_script_enabled=scripts) as tab:
        page = tab.page
        tab.sign_in("prof")
        page.get_by_role("link", name="toy", exact=True).click()
        if not scripts:
            page.get_by_label("Name or login").fill("bob")
            page.get_by_role("button", name="Filter").click()
            page.wait_for_url("**q=bob**")
            assert tab.logins() == ["bob"]
            page.get_by_role("columnheader", name=re.compile("^Total")).get_by_role("link").click()
            page.wait_for_url("**sort=total**")
            assert tab.logins() == ["bob"]
        page.get_by_role("link", name="Builder, Bob").click()
        page.get_by_label("Own deadline, UTC").fill(f"{DUE + timedelta(days=3):%Y-%m-%dT%H:%M}")
        page.get_by_label("Reason").fill("ill")
        page.get_by_role("button", name="Save extension").click()
        page.get_by_text("The extension is saved.").wait_for()
        assert row(live_server.course, "bob").extended_until == DUE + timedelta(days=3)

        page.get_by_role("link", name="Answers").click()
        page.get_by_role("link", name="Preview and apply").click()
        page.wait_for_url(f"**/answers/{answer}")
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Apply version 2").click()
        page.get_by_text("The answers are applied").wait_for()
        assert row(live_server.course, "ada").cells["add"].points < 4

        page.get_by_role("link", name="Roster").click()
        page.get_by_text("Import a CSV file").click()
        roster = {"name": "class.csv", "mimeType": "text/csv", "buffer": b'login,name\nmwu,"Wu, Mei"\n'}
        page.get_by_label("Roster").set_input_files(roster)
        page.get_by_role("button", name="Import").click()
        page.get_by_text("This is shown once.").wait_for()
        key = page.locator("code.key").inner_text()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download as CSV").click()
        assert Path(download.value.path()).read_text("utf-8") == f'login,name,key\nmwu,"Wu, Mei",{key}\n'
        page.get_by_role("button", name="Sign out").click()
        page.get_by_text("You are signed out.").wait_for()


# -- scripts ---------------------------------------------------------------------------------------------------------


def test_times_are_local_too(chromium: Any, live_server: Live, ids: dict[str, str]) -> None:
    """The reader's own time stands beside UTC, and follows what is typed into a field."""
    with Tab(chromium, live_server, viewport=DESK) as tab:
        tab.sign_in("prof")
        tab.page.goto("/a/toy/students/ada")
        deadline = tab.page.locator(".facts time").first.inner_text()
        assert "2026-11-09 12:00 UTC" in deadline
        assert "17:45" in deadline  # five and three quarter hours ahead
        tab.page.get_by_label("Own deadline, UTC").fill("2026-12-01T20:00")
        assert "2 Dec" in tab.page.locator(".field output").inner_text()


def test_live_counts_refresh_by_themselves(chromium: Any, live_server: Live, ids: dict[str, str]) -> None:
    """A submission that comes in shows without a reload; a server that does not answer is said."""
    with Tab(chromium, live_server, viewport=DESK) as tab:
        tab.page.clock.install()
        tab.sign_in("robot")
        tab.page.goto("/a/toy/live")
        tab.page.get_by_text("2 / 3").wait_for()
        submit(live_server.course, "eve", "add", VALUES["add"], NOW + HOUR)
        tab.page.clock.run_for(5_000)
        tab.page.get_by_text("3 / 3").wait_for()
        tab.page.route("**/fragment", lambda route: route.fulfill(status=503, body="busy"))
        tab.page.clock.run_for(5_000)
        tab.page.get_by_text("these numbers are old").wait_for()
        tab.page.unroute("**/fragment")
        tab.page.clock.run_for(5_000)
        tab.page.get_by_text("Refreshes by itself").wait_for()
        tab.complaints = [said for said in tab.complaints if "503" not in said]  # the one that was asked for
