"""What is our fault and costs no grade."""

from __future__ import annotations

from grader.errors import GraderError


class ReportError(GraderError):
    """Reports could not be made or written; the grades, and all other reports, are there."""
