"""What is seen while a training runs: a bar for each pass over the data, and in a notebook live curves."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from .history import Batch
from .recorder import Average

SHARE_FOR_CURVES = 0.02  # of the time: drawing costs 0.2 s, a short epoch 1 s
LEAST_SECONDS = 2.0  # between two drawings, so that the eye can follow


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code, so that pictures can be shown."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and "IPKernelApp" in shell.config


class NotebookLine:
    """Where tqdm writes in a notebook: a line of its own, rewritten in place.

    tqdm's own bars for notebooks need ipywidgets and, in an exported page, the network; and its plain bar leaves all of
    its past there, line after line, because a page does not go back at a carriage return.
    """

    encoding = "utf-8"  # tqdm asks, and draws its bar with # otherwise

    def __init__(self) -> None:
        from IPython.display import DisplayHandle

        self._handle = DisplayHandle()
        self._handle.display({"text/plain": ""}, raw=True)

    def write(self, text: str) -> None:
        """Show the text in place of what is there."""
        if line := text.strip("\r\n"):
            self._handle.update({"text/plain": line.rstrip()}, raw=True)

    def flush(self) -> None:
        """Nothing is held back."""


class Bars:
    """Progress bars, one after the other in one place: for each pass over the data one.

    In a terminal they stand on the last line, in a notebook on a line of their own. Where nobody watches, as in a log,
    there are none.
    """

    def __init__(self) -> None:
        self._where: dict[str, Any] = {"file": NotebookLine(), "ncols": 100} if in_notebook() else {"disable": None}

    @contextmanager
    def bar(self, title: str, batches: int, figures: Callable[[Average], str]) -> Iterator[Callable[[Batch], None]]:
        """A bar over so many batches. The function it gives is to be called with each; `figures` words the averages."""
        average = Average()
        with tqdm(total=batches, desc=title, unit="batch", leave=False, **self._where) as shown:

            def add(batch: Batch) -> None:
                average.add(batch)
                if not shown.disable:
                    shown.set_postfix_str(figures(average), refresh=False)
                    shown.update()

            yield add


class LiveCurves:
    """A picture in the notebook that is drawn anew while the training runs; outside of a notebook nothing.

    `draw` makes the picture. It is drawn as often as costs SHARE_FOR_CURVES of the time, and by `finish`.
    """

    def __init__(self, draw: Callable[[], Any]):
        self._draw = draw
        self._handle: Any = None
        self._next = time.monotonic() + LEAST_SECONDS
        self._wanted = in_notebook()

    def batch_done(self) -> None:
        """Draw, if it is time to."""
        if self._wanted and time.monotonic() >= self._next:
            self._show()

    def finish(self) -> None:
        """Draw a last time."""
        if self._wanted:
            self._show()

    def _show(self) -> None:
        from IPython.display import display

        began = time.monotonic()
        picture = self._draw()
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
        ended = time.monotonic()
        self._next = ended + max(LEAST_SECONDS, (ended - began) / SHARE_FOR_CURVES)
