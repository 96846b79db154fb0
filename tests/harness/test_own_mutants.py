"""Mutation of the grader's own modules: what is noticed, what is listed, and what a page says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from proof.own_mutants import ROOT, TESTS, Equivalent, OwnRun, load_equivalents, section

TREE = {
    "pytest.ini": "[pytest]\n",
    "toy.py": "LIMIT = 3\nIDLE = 7\n\n\ndef more(number):\n    return number + 1\n\n\ndef never():\n    return 5\n",
    "test_toy.py": "from toy import LIMIT, more\n\n\ndef test_more():\n    assert (more(1), LIMIT) == (2, 3)\n",
}


def test_every_module_and_every_test_file_is_there() -> None:
    """The table names files of this checkout."""
    for module, tests in TESTS.items():
        assert ROOT.joinpath(*module.split(".")).with_suffix(".py").is_file()
        assert all((ROOT / "tests" / "harness" / f"{test}.py").is_file() for test in tests)


def test_every_listed_change_has_a_module_and_a_reason() -> None:
    """An entry for a module that nobody mutates would explain nothing."""
    for item in load_equivalents():
        assert item.module in {"*", *TESTS}
        assert len(item.why.split()) >= 5


def test_a_page_shows_code_as_it_is() -> None:
    """A bar in a line of code does not end the table's cell."""
    bits = Equivalent("grader.score", "a | b", "a & b", "The same of bits.")
    lines = section([bits, Equivalent("*", "@cache", "", "Speed.")], {}).splitlines()
    assert lines[-2] == "| grader.score | `a \\| b` | `a & b` | The same of bits. |"
    assert lines[-1] == "| any | `@cache` | nothing | Speed. |"


def test_a_page_says_when_a_module_was_run() -> None:
    """What it found then, whether the module has changed since, and what never was run."""
    text = section([], {"grader.score": OwnRun(44, 3, 0, "0123456789abcdef")})
    assert "| `grader.score` (changed since) | 44 | 41 | 3 | 0 |" in text
    assert "| `grader.points` | never run |" in text


def test_survivors_are_what_no_test_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes of a tested function and of a tested constant are noticed, others not; what runs none is a survivor."""
    pytest.importorskip("cosmic_ray")
    from proof.mutate import mutants
    from proof.own_forks import survivors

    for name, text in TREE.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    made = list(mutants(TREE["toy.py"]))
    alive = survivors(tmp_path, "toy", tmp_path / "toy.py", made, [tmp_path / "test_toy.py"])
    assert {mutant.old for mutant in made} == {"LIMIT = 3", "IDLE = 7", "return number + 1", "return 5"}
    assert {mutant.old for mutant in alive} == {"IDLE = 7", "return 5"}
