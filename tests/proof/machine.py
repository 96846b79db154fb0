"""On what a run was made."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess

from grader.judge import ROOT


def machine() -> str:
    """The machine and the versions, in a line."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "torch", "pytest"))
    return f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


def commit() -> str:
    """The checkout's commit, and whether anything differs from it."""
    head = _git("rev-parse", "--short", "HEAD")
    changed = " with changes" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{head}{changed}" if head else "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
