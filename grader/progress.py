"""What is seen while trees are graded: a bar a tree on a terminal, a line a tree elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress:
    """Turns the events of `grading.grade_trees` into bars. Safe to call from several threads."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            TextColumn("{task.fields[tree]}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
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
        if event["event"] == "building":
            self._tasks[tree] = self._bars.add_task("building", total=None, tree=tree)
            self._totals[tree] = 0
        elif event["event"] == "collected":
            self._totals[tree] += len(event["cases"])
            self._bars.update(self._tasks[tree], total=self._totals[tree], description="judging")
        elif event["event"] == "verdict":
            self._bars.advance(self._tasks[tree])
        elif event["event"] == "graded":
            self._bars.update(self._tasks[tree], description="graded")
            if not self._console.is_terminal:
                self._console.print(f"{tree}: {self._totals[tree]} cases judged", highlight=False)
