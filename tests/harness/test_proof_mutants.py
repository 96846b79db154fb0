"""Mutants of the reference: which files, what is listed of them, and what a run changes in the list."""

from __future__ import annotations

import pytest
from proof.mutant_list import Mutated, Survivor, joined, load_mutated, written
from proof.mutants import chosen_files

from grader.errors import UsageError

REGION = "def f(x):\n    ### BEGIN YOUR SOLUTION\n    return x\n    ### END YOUR SOLUTION\n"
FILES = {"apps/models.py": REGION, "python/needle/optim.py": REGION, "python/needle/given.py": "X = 1\n"}
EXPLAINED = Survivor("a.py", 'x == "|"', "x != '|'", 'Says \\ "why".')
KNOWN = Mutated("a.py", 9, "5eed", (EXPLAINED, Survivor("a.py", "0", "1")))


def test_files_are_chosen_by_how_they_end():
    """Those that have regions and are graded, and none twice; a word that names none is refused."""
    assert chosen_files(FILES, ["all"]) == ["apps/models.py", "python/needle/optim.py"]
    assert chosen_files(FILES, ["optim.py", "needle/optim.py"]) == ["python/needle/optim.py"]
    assert chosen_files(FILES, ["all"], extra={"python/needle/optim.py"}) == ["apps/models.py"]
    with pytest.raises(UsageError, match="no file with graded solution regions"):
        chosen_files(FILES, ["given.py"])


def test_the_list_is_read_as_it_was_written(tmp_path):
    """Quotes, backslashes and all."""
    (tmp_path / "mutants.toml").write_text(written([KNOWN, Mutated("b.py", 3, "feed", ())]))
    assert load_mutated(tmp_path / "mutants.toml") == [KNOWN, Mutated("b.py", 3, "feed", ())]
    assert load_mutated(tmp_path / "none.toml") == []


def test_a_new_run_keeps_reasons():
    """What survives again has its reason still, what is noticed now is gone, and other files stay."""
    fresh = Mutated("a.py", 12, "seed", (Survivor("a.py", 'x == "|"', "x != '|'"), Survivor("a.py", "2", "3")))
    assert joined([KNOWN, Mutated("b.py", 3, "feed", ())], [fresh]) == [
        Mutated("a.py", 12, "seed", (KNOWN.survivors[0], Survivor("a.py", "2", "3"))),
        Mutated("b.py", 3, "feed", ()),
    ]
