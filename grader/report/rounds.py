"""What `watch` prints: what was mended, and what still fails."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from grader.failing import News
from grader.report.failures import failures_in, missing_in
from grader.report.wording import count, in_line, shortened
from grader.verdict import CaseResult

MENDED = 5  # ids told
KINDS = 4  # of failure, of which the first is told in full
LINES = 14  # of its message
FILES = 3  # named
NAMES = 8  # of what is not implemented


def print_start(console: Console, tree: Path, known: int, seed: int) -> None:
    """What is watched, and what is run first."""
    first = f"first {count(known, 'case')} that failed in the last grade" if known else "first everything"
    _say(console, f"watching {in_line(str(tree))}, seed {seed}; {first}. Ctrl-C ends.")


def print_saved(console: Console, files: Sequence[Path]) -> None:
    """The files that were saved, and when: on a screen full of rounds one looks for the last."""
    more = f" and {len(files) - FILES} more" if len(files) > FILES else ""
    names = ", ".join(in_line(file.as_posix()) for file in files[:FILES])
    console.print()
    _say(console, f"{time.strftime('%H:%M:%S')} {names}{more}", "bold")


def print_news(console: Console, news: News) -> None:
    """The news of a round in a few lines; what is still wrong comes last, where one looks."""
    if news.fault:
        _say(console, "cannot be run:", "bold red")
        for line in shortened(news.fault, 3 * LINES).split("\n"):
            _say(console, f"  {line}")
        return
    if news.mended:
        _say(console, f"mended: {_ids(news.mended)}", "green")
    if not news.lost:
        if news.everything:
            _say(console, f"nothing fails; {count(news.passed, 'case')} passed", "bold green")
        return
    _say(console, f"{'fails' if news.everything else 'still fails'}: {count(len(news.lost), 'case')}", "bold")
    _print_lost(console, news.lost)


def _print_lost(console: Console, lost: Sequence[CaseResult]) -> None:
    names = [f"{in_line(name)} ({number})" for name, number in missing_in(lost).items()]
    if names:
        rest = f", and {len(names) - NAMES} more" if len(names) > NAMES else ""
        _say(console, f"  not implemented: {', '.join(names[:NAMES])}{rest}")
    failures = failures_in(lost)
    for position, failure in enumerate(failures[:KINDS]):
        more = f"  and {failure.count - 1} more like it" if failure.count > 1 else ""
        _say(console, f"  {in_line(failure.first.case.id)}{more}", "cyan")
        text = shortened(failure.first.message, LINES) if position == 0 else in_line(failure.headline)
        for line in text.split("\n"):
            _say(console, f"    {line}")
    if len(failures) > KINDS:
        _say(console, f"  ... {count(len(failures) - KINDS, 'more kind')} of failure", "dim")


def _ids(results: Sequence[CaseResult]) -> str:
    more = f" and {len(results) - MENDED} more" if len(results) > MENDED else ""
    return ", ".join(in_line(result.case.id) for result in results[:MENDED]) + more


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)  # commands are to be copied, so they are not wrapped
