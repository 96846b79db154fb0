"""Write docs/attacks.md, the collection of attacks as a page: `python tests/harness/attack_page.py`."""

from __future__ import annotations

from attacks import Attack, collection
from conftest import ROOT

PAGE = ROOT / "docs" / "attacks.md"
# Categories in the order of a submission's way, and what an attack of each is after.
CATEGORIES = {
    "archive": ("Archives", "To write, read or fill up the machine by the way in which a submission is packed."),
    "build": ("The build", "To let the compiler read, run or use up what it should not."),
    "forging": ("Forged scores", "To earn points by what is said, and not by what is computed."),
    "tampering": ("Tampering with the harness", "To change what judges, or what is judged."),
    "theft": ("Stolen answers", "To have the answer from elsewhere."),
    "delegation": ("Delegation", "To let a library compute."),
    "exhaustion": ("Exhaustion", "To use up time, memory, disk or processes, of the run or of the machine."),
    "escape": ("Escape and persistence", "To get out of the box, or to leave something behind for whoever comes next."),
}
HEAD = """# Attacks

The folders of `tests/submissions/attacks/`, with what each tries and what stops it; the model behind them is in
[security.md](security.md). The last column has the kinds of box in which it is tried; an archive reaches none. This
page is written by `python tests/harness/attack_page.py`.
"""


def page() -> str:
    """The page's text."""
    sections = [_section(category, *words) for category, words in CATEGORIES.items()]
    return "\n".join([HEAD, *sections])


def _section(category: str, title: str, aim: str) -> str:
    rows = [_row(attack) for attack in collection() if attack.category == category]
    head = ["| attack | tries | is stopped by | in |", "|---|---|---|---|"]
    return "\n".join([f"## {title}", "", aim, "", *head, *rows, ""])


def _row(attack: Attack) -> str:
    cells = [f"`{attack.name}`", attack.about, attack.stopped_by, ", ".join(attack.kinds)]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
