"""The assignment's notebook: the reference's runs from top to bottom, the student's up to its first stub.

What ran is kept in out/notebook/, as .ipynb and as HTML: so a person, and CI, can look at every figure.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_docs import SELECTIONS

from grader.assignment import load_assignment
from grader.derive import find_regions
from grader.derive.leakage import leaks_in, read_solutions
from grader.derive.syntax import decode
from grader.derive.tree import File, derive_files, read_tree, reference_notebooks

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
REFERENCE = ROOT / "reference"
KEPT = ROOT / "out" / "notebook"
SMALL = ("SYNTHETIC = True", "LIMIT = 256", "EPOCHS = 1")  # every cell runs, on data that the computer draws
SKIP = "skip-execution"
SVG = re.compile(r"<svg|data:image/svg\+xml")


@dataclass(frozen=True)
class Run:
    """A notebook that was run in a tree of its own."""

    status: int  # 0: every cell ran; 1: one raised
    said: str  # what the run printed: of a cell that raised its source and its traceback
    cells: tuple[dict[str, Any], ...]  # the notebook's, with what they put out
    folder: Path  # where it is kept

    @property
    def ran(self) -> list[dict[str, Any]]:
        """The code cells that were run, in order; the last may have raised."""
        return [cell for cell in self.cells if cell["cell_type"] == "code" and cell["execution_count"] is not None]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """All that the cells put out."""
        return [output for cell in self.ran for output in cell["outputs"]]


def lay(files: Mapping[str, File], tree: Path) -> None:
    """Write the files of a tree; beside it lies what a notebook finds beside its tree."""
    for path, file in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(file.data)
    for name in ("Makefile", "submit.py"):
        shutil.copy(ROOT / name, tree.parent)


def run(tree: Path, kept: Path) -> Run:
    """Run the notebook of a tree. No CUDA is compiled: no cell asks for it, and nvcc takes half a minute."""
    command = [sys.executable, str(FOLDER / "notebooks.py"), str(tree / "hw4.ipynb"), "--out", str(kept)]
    command += [word for setting in SMALL for word in ("--set", setting)]
    environment = {**os.environ, "CUDACXX": "no-cuda-compiler-in-this-test"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tree)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    notebook = json.loads((kept / "hw4.ipynb").read_text())
    return Run(done.returncode, done.stdout, tuple(notebook["cells"]), kept)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The reference's notebook, run; kept under out/notebook/."""
    tree = tmp_path_factory.mktemp("notebook") / "reference"
    files = read_tree(REFERENCE) | reference_notebooks(REFERENCE)
    lay(files, tree)
    return run(tree, KEPT)


@pytest.fixture(scope="module")
def handed_out() -> dict[str, File]:
    """The student's tree."""
    return derive_files(REFERENCE)


@pytest.fixture(scope="module")
def student(handed_out: dict[str, File], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The student's notebook, run as far as it goes."""
    tree = tmp_path_factory.mktemp("notebook") / "student"
    lay(handed_out, tree)
    return run(tree, tree.parent / "out")


@pytest.fixture(scope="module")
def starter(handed_out: dict[str, File]) -> list[dict[str, Any]]:
    """The cells of the notebook that students get."""
    return list(json.loads(handed_out["hw4.ipynb"].data)["cells"])


def source(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"])


def skipped(cell: Mapping[str, Any]) -> bool:
    return SKIP in cell["metadata"].get("tags", ())


# --------------------------------------------------------------------------------------- the reference's, as it ran


def test_reference_notebook_runs(reference: Run) -> None:
    """Every cell of the reference's notebook runs, on small data and the C++ backend, but for those to be left out."""
    assert reference.status == 0, reference.said
    left = [source(cell) for cell in reference.cells if cell["cell_type"] == "code" and cell not in reference.ran]
    wanted = [source(cell) for cell in reference.cells if cell["cell_type"] == "code" and skipped(cell)]
    assert left == wanted
    assert len(reference.ran) > 50


def test_reference_notebook_ran_with_its_switches(reference: Run) -> None:
    """The switches of this test stood after the notebook's own, which names every one of them."""
    (own,) = (cell for cell in reference.cells if "parameters" in cell["metadata"].get("tags", ()))
    names = {line.split(" = ")[0] for line in source(own).splitlines() if " = " in line}
    assert {"DEVICE", "EPOCHS", "LIMIT", "SYNTHETIC", "AUGMENT"} <= names
    after = reference.cells[reference.cells.index(own) + 1]
    assert source(after).splitlines() == list(SMALL)


def test_figures_are_drawn(reference: Run) -> None:
    """Each cell that only calls a figure shows one; there are pictures, too, curves and images among them."""
    calls = [
        cell for cell in reference.ran if "hide-input" in cell["metadata"].get("tags", ()) and "figures" in source(cell)
    ]
    assert calls
    without = [source(cell) for cell in calls if not any(shows_svg(output) for output in cell["outputs"])]
    assert without == []
    pictures = [output for output in reference.outputs if "image/png" in output.get("data", {})]
    assert pictures


def shows_svg(output: Mapping[str, Any]) -> bool:
    """Whether an output is a drawing: SVG by itself, in a page, or as the source of an image."""
    data = output.get("data", {})
    return "image/svg+xml" in data or SVG.search("".join(data.get("text/html", ()))) is not None


def test_no_cell_warns(reference: Run) -> None:
    """Nothing in the outputs looks like a fault to a reader: no warning, and no traceback."""
    text = ["".join(output.get("text", ())) for output in reference.outputs if output["output_type"] == "stream"]
    assert [words for words in text if re.search(r"Warning\b|Traceback", words)] == []


def test_what_ran_is_kept(reference: Run) -> None:
    """The notebook with its outputs lies in out/notebook/, as a page to look at as well, figures and all."""
    assert (reference.folder / "hw4.ipynb").is_file()
    shown = (reference.folder / "hw4.html").read_text()
    assert len(SVG.findall(shown)) > 5
    assert "data:image/png;base64," in shown


# ------------------------------------------------------------------------------------------------- the student's


def test_student_notebook_has_no_solution(handed_out: dict[str, File]) -> None:
    """No line of any solution is in the notebook that students get, nor is any output."""
    solutions = read_solutions(REFERENCE)
    assert "hw4.ipynb" in solutions.paths  # which is held to the strict rule, then
    assert leaks_in(solutions, {"student/hw4.ipynb": handed_out["hw4.ipynb"].data}) == []


def test_student_notebook_was_never_run(starter: list[dict[str, Any]]) -> None:
    """It has no outputs, and no count of runs."""
    code = [cell for cell in starter if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_student_notebook_runs_up_to_its_first_stub(student: Run, handed_out: dict[str, File]) -> None:
    """The set-up and all before it runs; then comes NotImplementedError with the words of a stub that is there."""
    assert student.status == 1, "a student's notebook runs to its end, though nothing is written yet"
    errors = [output for output in student.outputs if output["output_type"] == "error"]
    assert [output["ename"] for output in errors] == ["NotImplementedError"], student.said
    said = re.fullmatch(r"(?P<task>.+) is yours to write \((?P<path>.+)\)", errors[0]["evalue"])
    assert said, errors[0]["evalue"]
    names = {region.name for region in find_regions(decode(handed_out[said["path"]].data), said["path"])}
    assert said["task"] in names
    assert errors[0] in student.ran[-1]["outputs"]


def test_student_notebook_reaches_the_first_part(student: Run) -> None:
    """The first stub comes after the set-up: needle is imported and compiled by then, and a figure is seen."""
    said = "".join("".join(output.get("text", ())) for output in student.outputs)
    assert "The backend is compiled." in said
    assert any(shows_svg(output) for output in student.outputs)


# ---------------------------------------------------------------------------------------------- what it tells to do


def sections(cells: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The cells of each `## ` section, by its title."""
    found: dict[str, list[dict[str, Any]]] = {}
    title = ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            for line in source(cell).splitlines():
                title = line.removeprefix("## ") if line.startswith("## ") else title
        found.setdefault(title, []).append(cell)
    return found


def commands(cells: list[dict[str, Any]]) -> list[list[str]]:
    """The words of each shell command of the code cells; what IPython puts in for {NAME} stands there as it is."""
    lines = [line for cell in cells if cell["cell_type"] == "code" for line in source(cell).splitlines()]
    return [shlex.split(line.strip()[1:], comments=True) for line in lines if line.strip().startswith("!")]


def after_k(command: list[str]) -> str:
    return command[command.index("-k") + 1]


PARTS = (
    "Part 1: ND backend",
    "Part 2: CIFAR-10 data",
    "Part 3: Convolutional network",
    "Part 4: RNN",
    "Part 5: LSTM",
    "Part 6: Penn Treebank",
    "Part 7: Language model",
)


@pytest.mark.parametrize("title", PARTS)
def test_part_ends_with_a_test_and_a_submission(title: str, starter: list[dict[str, Any]]) -> None:
    """Each part is there, and has a command that tests it and one that submits it, in cells that no test runs."""
    cells = sections(starter)[title]
    found = commands([cell for cell in cells if cell["cell_type"] == "code"])
    assert any("pytest" in command for command in found)
    assert any("submit.py" in command for command in found)
    running = [cell for cell in cells if cell["cell_type"] == "code" and not skipped(cell)]
    assert [command for command in commands(running) if "pytest" in command or "submit.py" in command] == []


def test_every_problem_is_submitted(starter: list[dict[str, Any]]) -> None:
    """The submit commands name the assignment's problems, each of them, and no others."""
    problems = load_assignment(ROOT / "tests/hw4").problems
    known = {name: problem.name for problem in problems for name in (problem.name, *problem.aliases)}
    named = {after_k(command) for command in commands(starter) if "submit.py" in command}
    words = {word for text in named for word in re.findall(r"\w+", text)} - {"or"}
    assert words <= known.keys()
    assert {known[word] for word in words} == {problem.name for problem in problems}


def test_test_commands_select_something(starter: list[dict[str, Any]], tmp_path: Path) -> None:
    """Every -k of the notebook's test commands selects cases of the suite."""
    wanted = sorted({after_k(command) for command in commands(starter) if "pytest" in command})
    assert len(wanted) >= len(PARTS)
    (tmp_path / "selections.py").write_text(SELECTIONS)
    command = [sys.executable, "-m", "pytest", "tests/hw4", "-p", "selections", "--expressions", json.dumps(wanted)]
    command += ["--collect-only", "-q", "-s", "-p", "no:cacheprovider", "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    (found,) = (line for line in done.stdout.splitlines() if line.startswith("FOUND "))
    selected = json.loads(found.removeprefix("FOUND "))
    assert [expression for expression in wanted if not selected[expression]] == []


def test_files_that_the_notebook_names_are_there(starter: list[dict[str, Any]], handed_out: dict[str, File]) -> None:
    """Every path in backticks that begins in the tree leads to a file or a folder of it."""
    text = "\n".join(source(cell) for cell in starter if cell["cell_type"] == "markdown")
    named = set(re.findall(r"`((?:python|src|apps)/[\w./-]*)`", text))
    assert len(named) > 10
    missing = [
        path
        for path in sorted(named)
        if not any(f"{known}/".startswith(path.rstrip("/") + "/") for known in handed_out)
    ]
    assert missing == []
