"""What the doctor says of one thing, and how all of it is shown."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

GIB = 1 << 30

Status = Literal["ok", "warn", "missing"]


@dataclass(frozen=True)
class Finding:
    """What was found out about one thing."""

    name: str  # "C++ compiler"
    status: Status  # warn: grading works, with less than it could; missing: it does not work
    found: str  # what is there, or what is not
    remedy: str  # what to do about it; "" where it is ok


def render(findings: Sequence[Finding]) -> str:
    """The findings as text, a line each, remedies below the line, and a last line that sums up."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:7}  {finding.name:{width}}  {finding.found}".rstrip())
        if finding.remedy:
            lines.append(f"{'':7}  {'':{width}}  -> {finding.remedy}")
    missing = [finding.name for finding in findings if finding.status == "missing"]
    warned = [finding.name for finding in findings if finding.status == "warn"]
    if missing:
        lines.append(f"\nGrading does not work here yet: {', '.join(missing)}.")
    elif warned:
        lines.append(f"\nGrading works here, but see: {', '.join(warned)}.")
    else:
        lines.append("\nGrading works here, with all that it can use.")
    return "\n".join(lines)


def version(package: str) -> str | None:
    """Of an installed package, by its metadata: importing PyTorch alone would take 2 s. None where it is not there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
