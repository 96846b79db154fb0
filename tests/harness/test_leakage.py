"""What counts as a copy of a solution, to the character: runs of lines, single long lines, and archives."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from grader.derive.leakage import LINE_CHARACTERS, RUN, RUN_CHARACTERS, leaks, leaks_in, read_solutions


def found(reference: Path, region: list[str], copied: list[str]) -> list[str]:
    """What is said of lines copied into a file of its own, where the reference's one region has these lines."""
    inside = "".join(f"    {line}\n" for line in region)
    text = f"def f():\n    ### BEGIN YOUR SOLUTION\n{inside}    ### END YOUR SOLUTION\n"
    (reference / "ops.py").write_text(text)
    return leaks_in(read_solutions(reference), {"notes.txt": "\n".join(copied).encode()})


def line(length: int, name: str = "a") -> str:
    """A statement of that many characters, white space not counted."""
    return f"{name} = " + "b" * (length - len(name) - 1)


def test_the_limits() -> None:
    """As the design has them: three lines of 40 characters together, or one of 60."""
    assert (RUN, RUN_CHARACTERS, LINE_CHARACTERS) == (3, 40, 60)


@pytest.mark.parametrize(("length", "count"), [(59, 0), (60, 1)])
def test_a_long_line_is_a_copy(tmp_path: Path, length: int, count: int) -> None:
    """A single line of a longer region is one from 60 characters on."""
    assert len(found(tmp_path, [line(length), "c = 1", "d = 2"], [line(length)])) == count


@pytest.mark.parametrize(("length", "count"), [(39, 0), (40, 1)])
@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_short_region_or_three_lines_are_a_copy(tmp_path: Path, lines: int, length: int, count: int) -> None:
    """All of a region of up to three lines is one from 40 characters on."""
    region = [line(length - 5 * (lines - 1)), *(line(5, "cd"[number]) for number in range(lines - 1))]
    assert len(found(tmp_path, region, region)) == count


@pytest.mark.parametrize("copied", [1, 2])
def test_less_than_three_lines_of_a_longer_region_are_none(tmp_path: Path, copied: int) -> None:
    """Chance says as much: what two lines have in common with a solution proves nothing."""
    region = [line(50, name) for name in "acde"]
    assert found(tmp_path, region, region[:copied]) == []


def test_an_archive_is_looked_through(tmp_path: Path) -> None:
    """Its files are read, and its folders passed over."""
    (tmp_path / "reference").mkdir()
    found(tmp_path / "reference", [line(60)], [])
    archive = tmp_path / "release.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("hw4/", "")
        opened.writestr("hw4/notes.txt", line(60))
    assert [said.partition(":")[0] for said in leaks(tmp_path / "reference", archive)] == ["hw4/notes.txt"] * 2
