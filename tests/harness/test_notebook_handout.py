"""Notebooks in grader.derive: the .ipynb that is made from text, whole trees, and no solution handed out."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ROOT
from small_notebook import BEGIN, END, FRONT, SECRET, cell

from grader.derive import MarkerError, check_tree, derive_text, derive_tree, find_regions, leaks
from grader.derive.notebook import to_ipynb
from grader.derive.tree import derive_files, reference_notebooks
from grader.errors import UsageError

# --------------------------------------------------------------------------------------------------- the .ipynb


def test_ipynb() -> None:
    """The .ipynb has the text's cells and tags, no outputs, and nothing that tells of a machine or a user."""
    data = to_ipynb(SECRET, "hw4.md")
    notebook = json.loads(data)
    assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code", "markdown", "code", "code"]
    assert notebook["cells"][1]["metadata"] == {
        "tags": ["parameters", "hide-input"],
        "jupyter": {"source_hidden": True},  # what JupyterLab hides by
    }
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert data.endswith(b"}\n")


def test_ipynb_depends_on_the_text_alone() -> None:
    """The same text gives the same bytes, in another process too."""
    command = "import sys; from grader.derive.notebook import to_ipynb; text = sys.stdin.buffer.read().decode()"
    command += "; sys.stdout.buffer.write(to_ipynb(text, 'hw4.md'))"
    done = subprocess.run([sys.executable, "-c", command], input=SECRET.encode(), capture_output=True, cwd=ROOT)
    assert done.stdout == to_ipynb(SECRET, "hw4.md"), done.stderr


def ids(text: str) -> list[str]:
    return [cell["id"] for cell in json.loads(to_ipynb(text, "hw4.md"))["cells"]]


def test_cell_ids() -> None:
    """A cell's id is its section's heading and a number; one that defines something is called after that."""
    again = "\n## Part 3: flip -- and its STRIDES!\n\nmore\n" + cell("def rule():", "    pass")[len(FRONT) :]
    section = "part-3-flip-and-its-strides"
    want = [
        "needle-1",
        "needle-2",
        f"{section}-1",
        f"{section}-rule",
        f"{section}-2",
        f"{section}-3",
        f"{section}-rule-2",
    ]
    assert ids(SECRET + again) == want


def test_cell_ids_stay() -> None:
    """Other words in a cell change no id, and a cell with work keeps its own when others come before it."""
    assert ids(SECRET.replace("LIMIT = None", "LIMIT = 12\n\n\nEPOCHS = 3")) == ids(SECRET)
    longer = SECRET.replace("# Not a heading", "# Not\n```\n\n```{code-cell} ipython3\nx = 1\n```\n\n```\n")
    assert len(ids(longer)) > len(ids(SECRET))
    assert "part-3-flip-and-its-strides-rule" in ids(longer)


def test_cell_ids_are_valid() -> None:
    """nbformat allows 64 characters, and no others than letters, digits, - and _."""
    text = f"{FRONT}\n# {'x' * 100}\n" + cell(f"class {'y' * 100}:", "    pass")[len(FRONT) :]
    assert ids(text) == ["x" * 40 + "-1", "x" * 40 + "-" + "y" * 17]
    assert ids(f"{FRONT}\n# 2 % of \u00fcber?\n") == ["2-of-ber-1"]
    assert ids(f"{FRONT}\n# \u4e2d\n") == ["top-1"]


def test_bad_options_of_a_cell() -> None:
    """YAML that jupytext cannot read is an error with the notebook's name."""
    with pytest.raises(MarkerError, match=r"hw4\.md:1: jupytext cannot read this notebook"):
        to_ipynb(f"{FRONT}\n```{{code-cell}} ipython3\n---\ntags: [\n---\nx = 1\n```\n", "hw4.md")


def test_cell_that_jupytext_does_not_see() -> None:
    """A text that jupytext divides into other cells than we do is refused: a solution could go out in one of them."""
    second = cell("y = 1").removeprefix(FRONT).lstrip()
    text = cell("x = 1") + "<div>\n" + second  # HTML goes on to a blank line, for Markdown
    with pytest.raises(MarkerError, match=r"hw4\.md:17: for this code cell \(number 2\) jupytext finds none"):
        to_ipynb(text, "hw4.md")


@pytest.mark.parametrize(
    ("before", "line", "number"), [(cell("x = 1"), 13, 2), (f"{FRONT}\n", 1, 1)], ids=["after ours", "alone"]
)
def test_cell_that_only_jupytext_sees(before: str, line: int, number: int) -> None:
    """It is told at the last cell of ours, or at the text's beginning where there is none."""
    text = f"{before}\n<div>\n```\n\n```{{code-cell}} ipython3\ny = 1\n```\n"  # HTML hides the first fence
    with pytest.raises(
        MarkerError, match=rf"hw4\.md:{line}: for this code cell \(number {number}\) jupytext finds 'y = 1'"
    ):
        to_ipynb(text, "hw4.md")


def test_without_jupytext(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where jupytext is missing, a tree with a notebook says how to get it; regions are found without it."""
    real = importlib.import_module

    def missing(name: str, package: str | None = None) -> ModuleType:
        if name in ("jupytext", "nbformat"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, package)

    monkeypatch.setattr("grader.derive.notebook.importlib.import_module", missing)
    assert len(find_regions(SECRET, "hw4.md")) == 2
    (tmp_path / "hw4.md").write_text(SECRET)
    with pytest.raises(UsageError, match=r"hw4\.md is a notebook, and jupytext.* is not installed; run `make setup`"):
        derive_files(tmp_path)


# ------------------------------------------------------------------------------------------------------- trees


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A reference with a notebook, a module and a plain text."""
    top = tmp_path / "reference"
    (top / "apps").mkdir(parents=True)
    (top / "apps/models.py").write_text(f"def f():\n    {BEGIN}\n    return 1\n    {END}\n")
    (top / "hw4.md").write_text(SECRET)
    (top / "README.md").write_text("# Read me\n")
    return top


def test_tree_with_a_notebook(reference: Path, tmp_path: Path) -> None:
    """Students get the .ipynb of the emptied text, and not the text; the reference gets its own, with solutions."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    paths = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {path for path in paths if "hw4" in path} == {
        "reference/hw4.md",
        "reference/hw4.ipynb",
        "student/hw4.ipynb",
    }
    assert (student / "hw4.ipynb").read_bytes() == to_ipynb(derive_text(SECRET, "hw4.md"), "hw4.md")
    assert (reference / "hw4.ipynb").read_bytes() == to_ipynb(SECRET, "hw4.md")
    assert (student / "README.md").exists()
    assert check_tree(reference, student) == []
    assert derive_tree(reference, student) == []
    assert check_tree(student, student) == []  # a student's tree derives to itself


def test_notebooks_are_no_programs(reference: Path, tmp_path: Path) -> None:
    """What is made from a text has a plain file's mode, though the text have a program's."""
    (reference / "hw4.md").chmod(0o755)
    derive_tree(reference, tmp_path / "student")
    for path in (reference / "hw4.ipynb", tmp_path / "student/hw4.ipynb"):
        assert path.stat().st_mode & 0o777 == 0o644


def test_stale_notebook_of_the_reference(reference: Path, tmp_path: Path) -> None:
    """The reference's .ipynb is compared as well: it says where it differs, what it is made from, and the remedy."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    made = reference / "hw4.ipynb"
    made.write_text(made.read_text().replace("LIMIT = None", "LIMIT = 5"))
    (difference,) = check_tree(reference, student)
    sentence = str(difference)
    assert sentence.startswith("../reference/hw4.ipynb:")
    assert "LIMIT = 5" in sentence
    assert sentence.endswith("this notebook is made from hw4.md: edit that, and run `make student`")
    assert [change.path for change in derive_tree(reference, student)] == ["../reference/hw4.ipynb"]
    assert check_tree(reference, student) == []


def test_changed_text_makes_both_stale(reference: Path, tmp_path: Path) -> None:
    """After a change in the text, the student's notebook and the reference's are out of date."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    (reference / "hw4.md").write_text(SECRET.replace("# Needle", "# Thread"))
    assert [item.path for item in check_tree(reference, student)] == ["hw4.ipynb", "../reference/hw4.ipynb"]


def test_solution_of_the_reference_notebook_alone_changes_nothing_for_students(reference: Path) -> None:
    """The solutions are in the reference's own notebook only."""
    before = derive_files(reference)["hw4.ipynb"]
    (reference / "hw4.md").write_text(SECRET.replace("-stride for", "0 - stride for"))
    assert derive_files(reference)["hw4.ipynb"] == before
    assert b"0 - stride" in reference_notebooks(reference)["hw4.ipynb"].data


def test_violations_of_a_notebook_stop_the_tree(reference: Path, tmp_path: Path) -> None:
    """A misused marker of the notebook is reported with all others, and nothing is written."""
    (reference / "hw4.md").write_text(SECRET + f"\n{BEGIN}\n")
    (reference / "apps/models.py").write_text(f"{BEGIN}\n")
    with pytest.raises(MarkerError) as caught:
        derive_tree(reference, tmp_path / "student")
    assert [violation.path for violation in caught.value.violations] == ["apps/models.py", "hw4.md"]
    assert not (tmp_path / "student").exists()


# ------------------------------------------------------------------------------------------------------- leaks


def test_derived_notebook_leaks_nothing(reference: Path, tmp_path: Path) -> None:
    """What students get of a notebook holds no line of its solutions."""
    derive_tree(reference, tmp_path / "student")
    assert leaks(reference, tmp_path / "student") == []


def test_one_short_line_in_the_notebook_is_a_leak(reference: Path, tmp_path: Path) -> None:
    """The student's notebook is held to the strict rule: a single short line of a solution is one too many."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    text = (student / "hw4.ipynb").read_text()
    (student / "hw4.ipynb").write_text(text.replace("print(answer)", "answer = rule((8, 4, 1))"))
    (sentence,) = leaks(reference, student)
    assert sentence.startswith(
        "hw4.ipynb: holds a line of the solution Part 3: flip and its strides (reference/hw4.md:"
    )


def test_solution_in_the_prose_of_the_notebook_is_a_leak(reference: Path, tmp_path: Path) -> None:
    """It does not matter what kind of cell a solution stands in."""
    (reference / "hw4.md").write_text(SECRET)
    student = tmp_path / "student"
    derive_tree(reference, student)
    text = (student / "hw4.ipynb").read_text()
    (student / "hw4.ipynb").write_text(text.replace("# Needle", "return tuple(-stride for stride in strides)"))
    assert len(leaks(reference, student)) == 1


@pytest.mark.parametrize("name", ["docs/copy.md", "old.ipynb", "notes.txt"])
def test_solution_of_the_notebook_elsewhere(reference: Path, tmp_path: Path, name: str) -> None:
    """A notebook's solution is found in any other file, as that of every file is."""
    place = tmp_path / "out" / name
    place.parent.mkdir(parents=True)
    code = "answer = rule((8, 4, 1))\n" + 'assert answer == (-8, -4, -1), "a \\"quoted\\" word"\n'
    source = {"cell_type": "code", "source": code.splitlines(keepends=True), "outputs": [], "execution_count": None}
    place.write_text(json.dumps({"cells": [source]}) if name.endswith(".ipynb") else code)
    found = leaks(reference, tmp_path / "out")
    assert found
    assert all("(reference/hw4.md:" in sentence for sentence in found)


@pytest.mark.parametrize("left", [{"outputs": [{"output_type": "display_data"}]}, {"execution_count": 4}])
def test_outputs_are_refused(reference: Path, tmp_path: Path, left: dict) -> None:
    """A notebook that was run before it is handed out is refused: a picture may show what no line says."""
    student = tmp_path / "student"
    derive_tree(reference, student)
    notebook = json.loads((student / "hw4.ipynb").read_text())
    notebook["cells"][1].update(left)
    (student / "hw4.ipynb").write_text(json.dumps(notebook, indent=1))
    assert leaks(reference, student) == [
        "hw4.ipynb: cell 2 keeps the outputs of a run, which may show a solution; clear them"
    ]
