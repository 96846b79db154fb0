"""`grader carry` as it is typed: its options, what it prints, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from grader.carry.command import carry
from grader.errors import UsageError

STUB = (
    'def twice(x):\n    ### BEGIN YOUR SOLUTION\n    raise NotImplementedError("twice is yours to write '
    '(python/needle/a.py)")\n    ### END YOUR SOLUTION\n'
)
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(carry)


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An earlier tree and student/, in the folder where we are."""
    for name, said in (("old", "def twice(x):\n    return 2 * x\n"), ("student", STUB)):
        package = tmp_path / name / "python" / "needle"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "a.py").write_text(said)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path / "old", tmp_path / "student"


def typed(*arguments: str) -> str:
    """What the command prints; what it raises, raised here."""
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        raise result.exception
    return result.output


def test_it_says_what_it_did_and_what_comes_next(trees: tuple[Path, Path]) -> None:
    """A table, the backup, the next command; the code is where it belongs."""
    said = typed("--from", "old")
    assert "carried" in said
    back = "To go back: python3 -m zipfile -e backups/student-1.zip ."
    assert said.rstrip().endswith(f"The tree as it was is in backups/student-1.zip. {back}\nNext: make grade")
    assert "    return 2 * x\n" in (trees[1] / "python/needle/a.py").read_text()
    assert "Nothing to write." in typed("--from", "old")


def test_dry_run(trees: tuple[Path, Path]) -> None:
    """--dry-run prints the same and writes nothing."""
    assert "Would change 1 files: python/needle/a.py. Nothing was written" in typed("--from", "old", "--dry-run")
    assert (trees[1] / "python/needle/a.py").read_text() == STUB


def test_what_is_kept_and_what_cannot_be_placed_is_named(trees: tuple[Path, Path]) -> None:
    """Work in the target stays, and is named with the option that overwrites it; a misfit with its place in OLD."""
    (trees[1] / "python/needle/a.py").write_text(STUB.replace("raise NotImpl", "return NotImpl"))
    assert "there is work in them (--force overwrites it): twice." in typed("--from", "old")
    assert "The tree as it was is in" in typed("--from", "old", "--force")
    (trees[1] / "python/needle/a.py").write_text(STUB)
    (trees[0] / "python/needle/a.py").write_text("\ndef twice(x, y):\n    return y\n")
    said = typed("--from", "old")
    assert "python/needle/a.py:2 twice (in OLD at python/needle/a.py:2): it takes the parameter y" in said


def test_wrong_use_is_refused(trees: tuple[Path, Path]) -> None:
    """One of --from and --upgrade, two different trees, a target that is there."""
    for arguments in ([], ["--from", "old", "--upgrade", "new.zip"]):
        with pytest.raises(UsageError, match="one of them"):
            typed(*arguments)
    with pytest.raises(UsageError, match="both name student"):
        typed("--from", "student")
    with pytest.raises(UsageError, match="nowhere is no tree of hw4"):
        typed("--from", "old", "--to", "nowhere")
    with pytest.raises(UsageError, match="gone is not there"):
        typed("--from", "gone")


def test_what_is_not_in_old_is_named(trees: tuple[Path, Path]) -> None:
    """Not a number alone: the functions that are still to be written."""
    (trees[0] / "python/needle/a.py").write_text("import math\n")
    said = typed("--from", "old")
    assert "Not in OLD, so still yours to write:" in said
    assert "twice" in said.split("still yours to write:")[1]
