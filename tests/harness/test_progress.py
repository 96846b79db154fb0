"""What is seen while trees are graded."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from toy_grades import EVIL

from grader.progress import Progress

EVENTS = [
    {"event": "building"},
    {"event": "collected", "cases": [1, 2]},
    {"event": "verdict"},
    {"event": "collected", "cases": [3]},
    {"event": "graded"},
]


@pytest.mark.parametrize("tree", ["student", "[/]", "[red]", EVIL], ids=["plain", "closing", "opening", "evil"])
@pytest.mark.parametrize("terminal", [False, True], ids=["file", "terminal"])
def test_progress_takes_any_name(tree: str, terminal: bool) -> None:
    """A tree's name is no markup and no escape code, with a bar and without."""
    file = io.StringIO()
    with Progress(Console(file=file, width=80, force_terminal=terminal, color_system=None)) as progress:
        for event in EVENTS:
            progress.watch(tree, event)
    assert "\x1b[31m" not in file.getvalue()
    if not terminal:
        assert "3 cases judged" in file.getvalue()
        assert "\x1b" not in file.getvalue()
        file.getvalue().encode("utf-8")
