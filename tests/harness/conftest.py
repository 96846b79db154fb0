"""What the harness's tests share: the toy assignment, and its submissions laid over the good one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.assignment import Assignment, load_assignment

ROOT = Path(__file__).resolve().parents[2]
TOY = ROOT / "tests" / "submissions" / "toy"


@pytest.fixture(scope="session")
def toy() -> Assignment:
    """The toy assignment."""
    return load_assignment(TOY / "assignment")


def lay_over(name: str, destination: Path) -> Path:
    """The toy's submission `name` as a whole tree: its files over those of the good one."""
    ignored = shutil.ignore_patterns("expected.toml", "__pycache__")
    overlay, about = TOY / name, TOY / name / "expected.toml"
    if not (about.exists() and "whole = true" in about.read_text()):
        shutil.copytree(TOY / "good", destination, ignore=ignored)
    shutil.copytree(overlay, destination, ignore=ignored, dirs_exist_ok=True)
    return destination
