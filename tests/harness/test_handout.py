"""A release's record of itself: its bytes, and what of a damaged or hostile one is refused."""

from __future__ import annotations

import hashlib
import json

import pytest

from grader.derive.handout import MANIFEST, PRISTINE, describe, is_a_releases, parse_manifest
from grader.derive.tree import File
from grader.errors import UsageError

SHA256 = hashlib.sha256(b"x").hexdigest()
GOOD = {"format": 1, "assignment": "hw4", "version": "1.2", "files": {"a.py": {"sha256": SHA256, "executable": False}}}


def refused(**changes: object) -> str:
    """What is said of a record with these changes."""
    with pytest.raises(UsageError) as caught:
        parse_manifest(json.dumps(GOOD | changes).encode(), "record")
    return str(caught.value)


def test_the_record_of_a_release() -> None:
    """Graders of older releases read it, so its bytes stay as they are."""
    made = describe("hw4", "1.2", {"é.py": File(b"x", True), "tests/b.py": File(b"x", False)})
    text = f"""{{
 "format": 1,
 "assignment": "hw4",
 "version": "1.2",
 "files": {{
  "tests/b.py": {{
   "sha256": "{SHA256}",
   "executable": false
  }},
  "é.py": {{
   "sha256": "{SHA256}",
   "executable": true
  }}
 }}
}}
"""
    assert made == {MANIFEST: File(text.encode(), False), f"{PRISTINE}/é.py": File(b"x", False)}
    assert parse_manifest(text.encode(), "record").files["é.py"].executable


@pytest.mark.parametrize("path", ["a.py", "python/needle/é.py", "...", "a/.git"])
def test_paths_in_a_release(path: str) -> None:
    """Any plain path may be a release's."""
    assert is_a_releases(path)


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../a", "a/../../b", "a/./b", "a//b", "a\\b", "a\x1b[31m", ".git/config", "data/x"]
)
def test_paths_that_no_release_has(path: str) -> None:
    """What leads out of the folder, into the student's own things or into the terminal is refused."""
    assert not is_a_releases(path)
    assert "is damaged" in refused(files={path: GOOD["files"]["a.py"]})


@pytest.mark.parametrize("value", ["", "no name!", "../x", 7, None, ["hw4"]])
def test_names_that_are_none(value: object) -> None:
    """An assignment and a version are words."""
    assert "is damaged" in refused(assignment=value)
    assert "is damaged" in refused(version=value)


@pytest.mark.parametrize(
    "stamp",
    [
        {"sha256": SHA256, "executable": 1},
        {"sha256": SHA256[1:], "executable": True},
        {"sha256": SHA256.upper(), "executable": True},
        {"sha256": SHA256},
        [SHA256, True],
    ],
)
def test_stamps_that_are_none(stamp: object) -> None:
    """Each half of a stamp is looked at."""
    assert "is damaged" in refused(files={"a.py": stamp})


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 200_000], ids=["empty", "cut", "no text", "too deep"])
def test_bytes_that_are_no_record(data: bytes) -> None:
    """A file that was cut off or overwritten is told in a sentence, and stops nothing else."""
    with pytest.raises(UsageError, match="record is damaged: it is no JSON"):
        parse_manifest(data, "record")


@pytest.mark.parametrize("number", [0, 2, None, "1"])
def test_another_format(number: object) -> None:
    """A record of another format is not guessed at."""
    assert f"has the format {number!r}, and this release of the grader reads format 1;" in refused(format=number)


def test_what_is_quoted_of_a_record_is_short() -> None:
    """A hundred characters of a name, two hundred of what is wrong."""
    assert f"('{'!' * 100}' is no name)" in refused(version="!" * 300)
    assert f"('/{'!' * 198})" in refused(files={"/" + "!" * 300: GOOD["files"]["a.py"]})
