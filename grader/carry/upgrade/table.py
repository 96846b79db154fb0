"""An upgrade's report, as a student reads it: what is to be decided comes last, where the eye is."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console

from grader.carry.upgrade.plan import Fate, Item
from grader.carry.upgrade.upgrade import UpgradeReport
from grader.visible import visible

_MANY = 12  # files of a kind that are named one by one
_HEADINGS = {
    Fate.NEW: "new",
    Fate.UPDATED: "updated; you had not changed them",
    Fate.REMOVED: "removed; the release no longer has them",
    Fate.RESTORED: "put back; they were missing",
    Fate.MERGED: "merged: your changes and the release's",
    Fate.KEPT: "kept as you have them",
    Fate.REPLACED: "replaced by the release's; your version is in the backup",
    Fate.CONFLICT: "to be decided by you",
}


def print_upgrade(console: Console, report: UpgradeReport) -> None:
    """Print what an upgrade has done, or would do."""
    for line in lines(report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def lines(report: UpgradeReport) -> list[str]:
    """The report's lines."""
    if not report.items and report.backup is None and report.order == "same":
        return [f"This folder is release {report.new} already; there is nothing to do."]
    order = {"newer": "", "older": ", an older one", "same": ", the same version with other contents"}[report.order]
    done = "Taken over" if report.backup else "Would be taken over"
    found = [f"{done}: release {report.new}{order}; this folder had {_named(report.old)}."]
    for fate, heading in _HEADINGS.items():
        items = report.of(fate)
        if items:
            found += ["", f"{heading} ({len(items)}):", *_listed(items)]
    found.append("")
    if report.backup:
        found.append(
            f"The folder as it was is in {report.backup}. To go back: python3 -m zipfile -e {report.backup} .."
        )
    return [*found, *_next(report)]


def _named(version: str) -> str:
    return "one from before releases had versions" if version == "0" else f"release {version}"


def _listed(items: Sequence[Item]) -> list[str]:
    told = [item for item in items if item.places or item.notes]
    plain = [item.path for item in items if item not in told]
    listed = []
    if len(plain) > _MANY:
        folders = sorted({path.split("/")[0] + "/" if "/" in path else path for path in plain})
        listed.append(f"  {len(plain)} files in {', '.join(map(visible, folders))}")
    else:
        listed += [f"  {visible(path)}" for path in plain]
    for item in told:
        listed += [f"  {visible(place)}" for place in item.places or (item.path,)]
        listed += [f"    {visible(note)}" for note in item.notes]
    return listed


def _next(report: UpgradeReport) -> list[str]:
    if not report.backup:
        command = f"make carry UPGRADE={shlex.quote(report.archive)}"
        return [f"Nothing was written. To do it, the same without --dry-run: {command}"]
    if any(item.displaced for item in report.items):
        return [
            "Work that has lost its place may have a new one, in another file:",
            f"  python -m grader carry --from {report.backup} puts what it finds there.",
            *_decide(report),
        ]
    return _decide(report)


def _decide(report: UpgradeReport) -> list[str]:
    if report.of(Fate.CONFLICT):
        return ["Next: look at each place above, keep what you need, delete the marks; then `make grade`."]
    return ["Next: `make grade`."]
