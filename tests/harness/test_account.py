"""What became of a submission's files, and how every report tells of it."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console
from toy_grades import EVIL, made

from grader.intake.account import Account, Ledger
from grader.report.document import to_document
from grader.report.markdown import to_markdown
from grader.report.terminal import print_grade

ACCOUNT = Account(
    "1" * 40, 4, 2, ("CMakeLists.txt",), ("vec/helper.py",), ("numpy.py (why)",), (), 3, 9, ("vec/*.py", "src/**")
)
TOLD = (
    "changed, which does not count (graded as they were given): CMakeLists.txt",
    "left out, as only vec/*.py, src/** may be changed or added: vec/helper.py",
    "left out: numpy.py (why)",
)


def on_a_terminal(account: Account, fault: str | None = None) -> str:
    """What is printed of a grade with that account."""
    console = Console(file=io.StringIO(), width=200, color_system=None)
    print_grade(console, made(account=account, fault=fault))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_document_has_all_of_it() -> None:
    """grade.json has the commit, the names and the counts, and it is read back as what it was."""
    found = json.loads(json.dumps(to_document(made(account=ACCOUNT))["intake"]))
    assert found == {
        "commit": "1" * 40,
        "taken": 4,
        "given": 2,
        "changed": ["CMakeLists.txt"],
        "ignored": ["vec/helper.py"],
        "unused": ["numpy.py (why)"],
        "whole": [],
        "compiled": 3,
        "passed_over": 9,
        "editable": ["vec/*.py", "src/**"],
    }
    assert Account.from_json(found) == ACCOUNT


def test_summary_tells_what_did_not_count() -> None:
    """summary.md has the commit, and a sentence for each kind of file that did not count."""
    text = to_markdown(made(account=ACCOUNT))
    assert f"Commit `{'1' * 40}`." in text
    assert all(f"    {sentence}\n" in text for sentence in TOLD)


@pytest.mark.parametrize("fault", [None, "importing the tree failed: No module named 'helper'"])
def test_terminal_tells_what_did_not_count(fault: str | None) -> None:
    """Also where the tree cannot be graded at all: a helper that was left out may be why."""
    assert all(sentence in on_a_terminal(ACCOUNT, fault) for sentence in TOLD)


def test_nothing_to_tell_is_not_told() -> None:
    """Counts alone make no paragraph: every tree has caches and notebooks."""
    text = to_markdown(made(account=Account(taken=4, compiled=3, passed_over=9)))
    assert text == to_markdown(made())


def test_names_are_cut() -> None:
    """A thousand files do not make a report of a thousand names."""
    ledger = Ledger(("src/**",))
    for number in range(1000):
        ledger.ignored(f"vec/{number:04}.py")
    account = ledger.closed(0, 0)
    assert len(account.ignored) == 51
    assert account.ignored[-1] == "... and 950 more"
    assert account.told() == [
        "left out, as only src/** may be changed or added: "
        "vec/0000.py, vec/0001.py, vec/0002.py, vec/0003.py, vec/0004.py and many more"
    ]


def test_names_are_harmless() -> None:
    """A name is a student's text: it neither ends a line of a report nor begins Markdown of its own."""
    ledger = Ledger()
    for name in (EVIL, f"a\n# {EVIL}"):
        ledger.ignored(name)
        ledger.changed(name)
        ledger.hiding(name, "numpy")
        ledger.never_taken(f"{name}/conftest.py", has_place=True)
    account = ledger.closed(0, 0)
    plain = to_markdown(made())
    added = [line for line in to_markdown(made(account=account)).splitlines() if line not in plain.splitlines()]
    assert added[0] == "Of the files that were handed in:"
    assert all(line.startswith("    ") for line in added[1:])
    assert "\x1b" not in on_a_terminal(account)
