"""What every benchmark prints: the machine it ran on, and rows of medians with their spread."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence

import numpy as np

import grader
from grader.judge import ROOT


def machine() -> str:
    """The machine, the versions and the commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return (
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"grader {grader.__version__}, commit {commit.stdout.strip() or 'unknown'}"
    )


def row(what: str, unit: str, values: Sequence[float]) -> None:
    """A line: the median, and from where to where the values went."""
    spread = f"({min(values):.3g} to {max(values):.3g}, n={len(values)})"
    print(f"{what:46} {statistics.median(values):8.3g} {unit:2} {spread}")
