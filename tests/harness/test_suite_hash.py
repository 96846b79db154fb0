"""The hash of a suite."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import TOY

from grader.suite import suite_hash


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A copy of the toy's suite."""
    return Path(shutil.copytree(TOY / "assignment", tmp_path / "suite", ignore=shutil.ignore_patterns("__pycache__")))


def test_copies_are_the_same_suite(suite: Path) -> None:
    """Where a suite lies, and what Python and editors left in it, changes nothing."""
    before = suite_hash(suite)
    (suite / "__pycache__").mkdir()
    (suite / "__pycache__" / "x.pyc").write_bytes(b"x")
    (suite / ".swap").write_bytes(b"x")
    assert suite_hash(suite) == before == suite_hash(TOY / "assignment")


def test_other_content_or_name_is_another_suite(suite: Path) -> None:
    """A file changed, renamed or added is seen."""
    found = [suite_hash(suite)]
    file = suite / "test_toy.py"
    file.write_text(file.read_text() + "\n")
    found.append(suite_hash(suite))
    file.rename(suite / "test_toys.py")
    found.append(suite_hash(suite))
    (suite / "more").mkdir()
    (suite / "more" / "empty.txt").write_text("")
    found.append(suite_hash(suite))
    assert len(set(found)) == 4
