"""What can go wrong on our side of the fence.

    HarnessError
    ├── UsageError      the command or a file given to it is wrong         exit status 2
    └── GraderError     a fault of the harness itself; no grade comes of it     exit status 3

A fault of a submission is never one of these: it is data (a verdict with a message), so that it can cost points but
never stop the run of another tree. The two must not be confused, hence the two exit statuses.
"""

from __future__ import annotations


class HarnessError(Exception):
    """Base of every error that the harness raises for its caller; its text is one sentence for a person."""

    exit_status = 3


class UsageError(HarnessError):
    """The command line, an option's value or a file given to us is wrong; the text names it and the remedy."""

    exit_status = 2


class GraderError(HarnessError):
    """The harness is at fault (a bug in a test, a worker that cannot start): stop, and give no score."""

    exit_status = 3
