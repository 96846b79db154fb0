"""The runner of `make test`: nothing is left out, nothing runs twice, and no failure of either half is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import side_by_side


def test_every_file_is_in_one_half() -> None:
    """Each test file runs once, and each pattern still finds some."""
    first, second = side_by_side.halves()
    everything = set(Path(__file__).parent.glob("test_*.py"))
    assert set(first) | set(second) == everything
    assert len(first) + len(second) == len(everything)
    for pattern in side_by_side.FIRST:
        assert list(Path(__file__).parent.glob(pattern)), pattern


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [((0, 0), 0), ((1, 0), 1), ((0, 1), 1), ((2, 1), 2), ((0, 5), 0), ((5, 1), 1), ((5, 5), 5), ((0, -9), -9)],
)
def test_status_is_that_of_the_half_that_failed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], statuses: tuple[int, int], expected: int
) -> None:
    """Also where pytest is killed; a half in which -k selects nothing fails nothing, both do."""
    waiting = list(statuses)

    def stand_in(files: Any, arguments: Any, output: Any) -> subprocess.Popen[bytes]:
        status = waiting.pop(0)
        end = f"os.kill(os.getpid(), {-status})" if status < 0 else f"raise SystemExit({status})"
        code = f"import os; print('half of {status}', flush=True); {end}"
        return subprocess.Popen([sys.executable, "-SEc", code], stdout=output)

    monkeypatch.setattr(side_by_side, "_pytest", stand_in)
    assert side_by_side.run([]) == expected
    *shown, last = capfd.readouterr().out.splitlines()
    assert sorted(shown) == sorted(f"half of {status}" for status in statuses)
    assert last.endswith("failed" if expected else "passed")
