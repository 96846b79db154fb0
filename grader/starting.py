"""What every command line of ours does first, whichever commands it has."""

from __future__ import annotations

import io
import signal
import sys
from types import FrameType
from typing import NoReturn


def begin() -> None:
    """Make this process print whatever there is to print, and end in good order when it is told to end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the locale lacks must not cost a report
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP, and means it
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """A signal that asks us to end becomes an exception, on whose way out everything that was started is ended."""
    raise SystemExit(128 + number)
