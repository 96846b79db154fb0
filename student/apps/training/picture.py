"""Pictures by matplotlib: shown by a notebook as they are, or saved to a file. No window, no global state."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from .errors import SettingError

FORMATS = (".png", ".svg", ".pdf")
DPI = 144  # twice what a screen shows: sharp on fine screens too

# Okabe and Ito's colours, which the colour-blind can tell apart ("Color Universal Design", 2008).
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"


class Picture:
    """A drawn figure. The last line of a notebook's cell shows it; `save` writes it."""

    def __init__(self, figure: Any):
        self.figure = figure

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        memory = io.BytesIO()
        self.figure.savefig(memory, format="png", dpi=DPI)
        width, height = self.figure.get_size_inches() * DPI / 2
        return memory.getvalue(), {"width": round(width), "height": round(height)}

    def save(self, path: str | Path) -> None:
        """Write it as PNG, SVG or PDF, as the name ends."""
        self.figure.savefig(path, dpi=DPI)


def new_figure(width: float, height: float) -> Any:
    """An empty figure of so many inches. Raises SettingError where there is no matplotlib."""
    return _figure_class()(figsize=(width, height), layout="constrained", facecolor="white")


def check_target(path: str | Path) -> None:
    """Refuse, before hours of training, a file that no picture could be saved to. Raises SettingError."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise SettingError(f"The plot {path} has no known ending; expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.")
    if not path.parent.is_dir():
        raise SettingError(f"There is no folder {path.parent} for the plot {path.name}; make it, or name another.")
    _figure_class()


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure  # not pyplot, which looks for a screen and keeps every figure
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise SettingError("Plots need matplotlib: `python -m pip install matplotlib` installs it.") from error
    return Figure
