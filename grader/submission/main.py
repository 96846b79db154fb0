"""What `submit.py` runs once it has an interpreter with everything in it."""

from __future__ import annotations

import io
import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from grader.errors import HarnessError, UsageError
from grader.submission.commands import submit


def main() -> NoReturn:
    """Run the command line of `submit.py`, and exit; see `submit` for the status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a title that the locale lacks must not cost a submission
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP, and means it
            signal.signal(number, _end)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(submit)
    try:
        app(prog_name="submit.py")
    except UsageError as error:
        _stop(f"error: {error}", error.exit_status)
    except HarnessError as error:
        _stop(f"submit.py itself failed, which is no fault of your code: {error}", error.exit_status)
    sys.exit(0)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """A signal that asks us to end becomes an exception, on whose way out everything that was started is ended."""
    raise SystemExit(128 + number)


def _stop(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(status)
