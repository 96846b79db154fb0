"""Output inside of GitHub Actions, whose runner obeys lines of it: `::error::`, `::add-mask::`, `##[group]`.

A submission's words get into what the grader prints. The runner trims what stands before `::`, and finds `##[` anywhere
in a line (ActionCommand.cs of actions/runner), so no indentation keeps the two apart.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from typing import TextIO

_COMMAND = re.compile(r"^([^\S\n]*:)(?=:)|(#)(?=#\[)", re.MULTILINE)


@contextlib.contextmanager
def inert(stream: TextIO) -> Iterator[None]:
    """Inside of a workflow, nothing that is printed in this block is a command; elsewhere this does nothing.

    The runner's own way, `::stop-commands::`, until a word comes again that nobody could guess. It reads standard
    output and standard error as one.
    """
    if not _in_workflow():
        yield
        return
    token = secrets.token_hex(16)
    print(f"\n::stop-commands::{token}", file=stream, flush=True)
    try:
        yield
    finally:
        print(f"\n::{token}::", file=stream, flush=True)  # on a line of its own, whatever stands before it


def harmless(text: str) -> str:
    """Inside of a workflow, a report's text with a blank in what would be a command; elsewhere as it is.

    For what a program is to read from standard output, where lines of ours around it would be in its way.
    """
    return without_commands(text) if _in_workflow() else text


def without_commands(text: str) -> str:
    """The text with a blank in what would be a command: for what another program will print inside a workflow."""
    return _COMMAND.sub(lambda found: f"{found[0]} ", text)


def _in_workflow() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"
