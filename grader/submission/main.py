"""What `submit.py` runs once it has an interpreter with everything in it."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from grader.errors import HarnessError, UsageError
from grader.starting import begin
from grader.submission.commands import submit


def main() -> NoReturn:
    """Run the command line of `submit.py`, and exit; see `submit` for the status."""
    begin()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(submit)
    try:
        app(prog_name="submit.py")
    except UsageError as error:
        _stop(f"error: {error}", error.exit_status)
    except HarnessError as error:
        _stop(f"submit.py itself failed, which is no fault of your code: {error}", error.exit_status)
    sys.exit(0)


def _stop(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(status)
