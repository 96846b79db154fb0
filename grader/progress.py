"""What is seen while trees are graded: a bar a tree on a terminal, a line a tree elsewhere."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from grader.visible import visible


class Progress:
    """Turns the events of `grading.grade_trees` into bars. Safe to call from several threads."""

    def __init__(self, console: Console) -> None:
        self._console = console
        # Bars move the cursor: no good in a file (which rich takes for a terminal where FORCE_COLOR is set), on a dumb
        # terminal, or for somebody who asked for plain text.
        self._moving = console.is_interactive and console.file.isatty() and not console.no_color
        self._bars = Bars(
            # No markup: a folder may be called "[/]", which would end the whole run.
            TextColumn("{task.fields[tree]}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=console,
            disable=not self._moving,
            transient=True,
        )
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._totals: dict[str, int] = {}

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def watch(self, tree: str, event: dict[str, Any]) -> None:
        """Take note of an event."""
        with self._lock:
            self._watch(tree, event)

    def _watch(self, tree: str, event: dict[str, Any]) -> None:
        if event["event"] == "building":
            self._tasks[tree] = self._bars.add_task("building", total=None, tree=visible(tree))
            self._totals[tree] = 0
        elif event["event"] == "collected":  # once a shard
            self._totals[tree] += len(event["cases"])
            self._bars.update(self._tasks[tree], total=self._totals[tree], description="judging")
        elif event["event"] == "verdict":
            self._bars.advance(self._tasks[tree])
        elif event["event"] == "graded":
            self._bars.update(self._tasks[tree], description="graded")
            if not self._moving:
                # Not wrapped: without a terminal there is no width to wrap at.
                self._console.print(Text(f"{visible(tree)}: {self._totals[tree]} cases judged"), soft_wrap=True)
