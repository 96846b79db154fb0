"""docs/ as a site: it builds without a warning, its links lead somewhere, and it loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from conftest import ROOT

from grader.assignment import load_assignment

pytest.importorskip("mkdocs", reason="mkdocs is not installed: it comes with the course's packages")

CHROMIUM = Path("/usr/bin/chromium")
PHONE = {"width": 375, "height": 740}
FETCHED = re.compile(r"url\(\s*['\"]?(?!data:)([^)'\"]+)|@import")


class Html(HTMLParser):
    """What a page points to, and what it can be pointed at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []  # what a reader may click on
        self.loaded: list[str] = []  # what a browser fetches by itself
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take note of it."""
        named = {name: value or "" for name, value in attributes}
        self.ids |= {named[name] for name in ("id", "name") if name in named}
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        elif tag == "link" and named.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(named["href"])
        elif "src" in named:
            self.loaded.append(named["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Html]:
    """Each page by its file's name."""
    return {path.name: Html(path.read_text()) for path in sorted(site.glob("*.html"))}


def test_every_page_is_in_the_navigation(pages: dict[str, Html]) -> None:
    """And each of them leads to all the others."""
    written = {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    assert set(pages) - {"404.html"} == written
    assert len(written) > 10
    assert {link.partition("#")[0] for link in pages["student.html"].links} >= written - {"student.html"}


def test_links_and_anchors_lead_somewhere(site: Path, pages: dict[str, Html]) -> None:
    """A link inside the site names a page that is there, and a place in it."""
    broken = []
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or (name == "404.html" and not parts.fragment):
                continue
            target = unquote(parts.path).removeprefix("./") or name
            whole = target if (site / target).is_file() else f"{target.rstrip('/')}/index.html".removeprefix("./")
            known = pages.get(target)
            if not (site / whole).is_file() or (parts.fragment and known and unquote(parts.fragment) not in known.ids):
                broken.append(f"{name}: {link}")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Html]) -> None:
    """No font, script, style or image comes from another server: the site works where there is no network."""
    for name, page in pages.items():
        assert page.loaded, name
        for address in page.loaded:
            assert not urlsplit(address).netloc, f"{name}: {address}"
            assert name == "404.html" or address.startswith("data:") or (site / urlsplit(address).path).is_file()
    for style in site.rglob("*.css"):
        assert [found for found in FETCHED.findall(style.read_text()) if "//" in found] == []


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for all tests of this file."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def test_opened_as_files_it_can_be_searched(chromium: Any, site: Path) -> None:
    """From the folder, without a server or a network; no script complains."""
    context = chromium.new_context()
    page = context.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda said: seen.append(f"says {said.text}"))
    page.on("pageerror", lambda error: seen.append(f"raises {error}"))
    page.goto((site / "index.html").as_uri())
    page.locator(".md-search__input").first.focus()  # loads the index; what is typed before that is lost
    page.get_by_text("Type to start searching").wait_for(state="attached")
    page.locator(".md-search__input").first.press_sequentially("late days")
    result = page.locator(".md-search-result__link").first
    result.wait_for(state="attached", timeout=15_000)
    assert "server.html" in str(result.get_attribute("href"))
    assert [item for item in seen if not item.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_no_page_is_wider_than_a_phone(chromium: Any, site: Path, pages: dict[str, Html]) -> None:
    """Wide tables and code scroll by themselves, and the page does not."""
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    wide = {}
    for name in pages:
        page.goto((site / name).as_uri())
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            wide[name] = width
    context.close()
    assert wide == {}


def test_map_of_the_assignment_is_that_of_its_description() -> None:
    """docs/assignment.md has each part with its title, problems and points."""
    assignment = load_assignment(ROOT / "tests" / "hw4")
    page = (ROOT / "docs" / "assignment.md").read_text()
    rows = re.findall(r"^\| (\d) \| ([^|]+) \| ([^|]+) \| (\d+) \|", page, re.MULTILINE)
    want = [
        (
            str(number),
            part.title,
            ", ".join(part.problems),
            f"{sum(assignment.problem(name).points for name in part.problems):g}",
        )
        for number, part in enumerate(assignment.parts, start=1)
    ]
    assert rows == want
