"""The assignment end to end: `make grade` on both trees, ops that do harm, and NumPy as the backend.

What an op does to its process is tried on hw4 itself here; test_submissions.py has many more ways, on the toy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT

from grader.assignment import load_assignment
from grader.grading import grade_trees
from grader.run import RunOptions
from grader.score import Grade
from grader.verdict import CaseResult, Verdict

SUITE = ROOT / "tests" / "hw4"


# -- the two trees --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MakeGrade:
    """A run over both trees."""

    screen: str
    documents: dict[str, dict]  # grade.json by tree

    def cases(self, tree: str) -> list[dict]:
        """The cases that this machine can run."""
        found = [case for case in self.documents[tree]["cases"] if case["device"] != "cuda"]
        assert len(found) > 1000
        return found


@pytest.fixture(scope="session")
def make_grade(tmp_path_factory: pytest.TempPathFactory) -> MakeGrade:
    """What `make grade SEED=20` runs."""
    out = tmp_path_factory.mktemp("out")
    command = [sys.executable, "-m", "grader", "grade", "reference", "student", "--out", str(out), "--seed", "20"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    documents = {tree: json.loads((out / tree / "grade.json").read_text()) for tree in ("reference", "student")}
    return MakeGrade(done.stdout, documents)


def test_reference_has_every_point(make_grade: MakeGrade) -> None:
    """The reference passes every case: 100.0 of 100."""
    assert [case["message"] for case in make_grade.cases("reference") if case["verdict"] != "pass"] == []
    assert (make_grade.documents["reference"]["score"], make_grade.documents["reference"]["max_score"]) == (
        100.0,
        100.0,
    )


def test_starter_has_no_point(make_grade: MakeGrade) -> None:
    """The untouched starter has 0.0 of 100: no case can be won without writing something."""
    assert (make_grade.documents["student"]["score"], make_grade.documents["student"]["max_score"]) == (0.0, 100.0)
    assert [case["id"] for case in make_grade.cases("student") if case["verdict"] == "pass"] == []


def test_starter_is_told_what_is_not_implemented(make_grade: MakeGrade) -> None:
    """Every case of the starter says what is yet to be written: none crashes, none answers wrongly."""
    odd = [case for case in make_grade.cases("student") if not case["message"].startswith("not implemented: ")]
    assert odd == []
    assert {case["verdict"] for case in make_grade.cases("student")} == {"error"}


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> list[Grade]:
    """Both trees' grades with their CUDA kernels run on the CPU."""
    options = RunOptions(seed=21, devices=("cuda-sim",), selection="", isolation="worker", sandbox="none")
    out, trees = tmp_path_factory.mktemp("simulated"), [ROOT / "reference", ROOT / "student"]
    return grade_trees(load_assignment(SUITE), trees, options, jobs=2, out=out, watch=lambda tree, event: None)


def test_reference_has_every_point_on_cuda_sim(simulated: list[Grade]) -> None:
    """The reference's kernels pass every case, run on the CPU."""
    results = [result for item in simulated[0].problems for result in item.results]
    assert [r.message for r in results if r.verdict is not Verdict.PASS] == []
    assert (simulated[0].score, simulated[0].max_score) == (100, 100)


def test_starter_has_no_point_on_cuda_sim(simulated: list[Grade]) -> None:
    """Stubs throw under the simulator as they do on a GPU: every case says what is not implemented."""
    results = [result for item in simulated[1].problems for result in item.results]
    assert [r.message for r in results if not r.message.startswith("not implemented: ")] == []
    assert (simulated[1].score, simulated[1].fault) == (0, None)


def test_both_trees_have_the_same_cases(make_grade: MakeGrade) -> None:
    """The list of cases comes from the suite, not from the tree."""
    reference, student = ([case["id"] for case in make_grade.documents[tree]["cases"]] for tree in make_grade.documents)
    assert reference == student


def test_every_bucket_is_shown_as_the_readme_says(make_grade: MakeGrade) -> None:
    """The table at the end has every bucket, and is the one that the README shows."""
    table = re.search(r"```text\n(bucket.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert table is not None
    screen = [line.rstrip() for line in make_grade.screen.splitlines()]
    start = next(number for number, line in enumerate(screen) if line.startswith("bucket"))
    lines = table[1].splitlines()
    assert screen[start : start + len(lines)] == lines
    assert [line.split()[0] for line in lines[1:-1]] == list(load_assignment(SUITE).buckets)


# -- ops that do harm -----------------------------------------------------------------------------------------------

# op -> (its body, what the message begins with)
HARM = {
    "tanh": ("os._exit(0)", "forward ended the process with exit status 0"),
    "exp": ("ctypes.string_at(0)", "forward crashed with SIGSEGV"),
    "relu": ("os.kill(os.getpid(), signal.SIGKILL)", "forward crashed with SIGKILL"),
    "log": (
        "\n        while True: pass",
        "forward was stopped after 1 s of CPU time: an endless loop, or far too slow",
    ),
    # By way of the C++ backend: 25 Gi numbers of 4 bytes.
    "negate": ("return array_api.full((25 << 30,), 0, device=a.device)", "forward ran out of memory (4096 MiB)"),
}


@pytest.fixture(scope="session")
def harmed(tmp_path_factory: pytest.TempPathFactory) -> list[CaseResult]:
    """The cases of single ops' values, of a reference five of whose ops do harm."""
    folder = tmp_path_factory.mktemp("harmed")
    tree = Path(shutil.copytree(ROOT / "reference", folder / "tree", ignore=shutil.ignore_patterns("build", "*.so")))
    with (tree / "python" / "needle" / "ops" / "ops_mathematic.py").open("a") as file:
        file.write("\nimport ctypes, os, signal\n")
        names = {"relu": "ReLU"}
        for op, (body, _) in HARM.items():
            name = names.get(op, op.capitalize())
            file.write(f"\nclass Harmful{name}({name}):\n    def compute(self, a):\n        {body}\n")
            file.write(f"\ndef {op}(a):\n    return Harmful{name}()(a)\n")
    suite = copy_suite(folder / "suite", "case_cpu_seconds = 10 ", "case_cpu_seconds = 1 ")
    for file in suite.glob("test_*.py"):
        if file.name != "test_nd_backend.py":
            file.unlink()  # it would only be collected
    return results(grade_part(suite, tree, "test_elementwise_forward and not view"))


@pytest.mark.parametrize("op", HARM)
def test_harm_costs_the_cases_of_its_op(op: str, harmed: list[CaseResult]) -> None:
    """However an op ends its process or fills it up, its own cases are lost, and say how."""
    own = [result for result in harmed if f"[cpu-{op}-" in result.case.id]
    assert len(own) >= 2
    for result in own:
        assert result.verdict is Verdict.ERROR
        assert result.message.startswith(HARM[op][1])
        assert f"Input: op '{op}'" in result.message


def test_harm_costs_no_other_case(harmed: list[CaseResult]) -> None:
    """The cases of the other ops pass, between those that took their worker along."""
    others = [result for result in harmed if not any(f"[cpu-{op}-" in result.case.id for op in HARM)]
    assert len(others) >= 15
    assert [result.message for result in others if result.verdict is not Verdict.PASS] == []


# -- the other backend ----------------------------------------------------------------------------------------------

# A few of every part; but not where a second device is asked for, because NumPy is only one.
OF_EVERY_PART = (
    "(elementwise or summation_backward or matmul_forward or logsumexp_backward or flip_backward or dilate_backward "
    "or op_conv_backward_of_one or nn_conv_forward or loader_in_order or batchnorm or resnet9_gradients "
    "or rnn_network_backward or lstm_cell or ptb_get_batch or two_epochs) and not device"
)
# A probe that wants a view asks the tree's arrays for it; NumPy's are not asked that way. Nothing of the tree's own
# stands between the error and the input here: an op of the tree that fails like this has its lines there.
ABOUT_NDARRAY = re.compile(r"\w+ raised AttributeError: 'numpy.ndarray' object has no attribute '\w+'\nAsked: ")


@pytest.fixture(scope="session")
def numpy_backend(tmp_path_factory: pytest.TempPathFactory) -> list[CaseResult]:
    """Cases of every part with NEEDLE_BACKEND=np."""
    suite = copy_suite(tmp_path_factory.mktemp("np") / "suite", 'NEEDLE_BACKEND = "nd"', 'NEEDLE_BACKEND = "np"')
    about = suite / "assignment.toml"  # what NumPy computes here is no delegation
    about.write_text(about.read_text().replace('devices = ["cpu", "cuda", "cuda-sim"]', 'devices = ["cuda"]'))
    found = results(grade_part(suite, ROOT / "reference", OF_EVERY_PART))
    return [result for result in found if not ABOUT_NDARRAY.match(result.message)]


def test_numpy_backend_gives_the_same_answers(numpy_backend: list[CaseResult]) -> None:
    """The reference's ops, modules and training run on NumPy's arrays as on its own."""
    assert [result.message for result in numpy_backend if result.verdict is not Verdict.PASS] == []


def test_numpy_backend_was_tried_in_every_problem(numpy_backend: list[CaseResult]) -> None:
    """The selection has cases of all ten problems, and is not tiny."""
    problems = {problem.name for problem in load_assignment(SUITE).problems}
    assert {result.case.problem for result in numpy_backend} == problems
    assert len(numpy_backend) > 100


# -- helpers --------------------------------------------------------------------------------------------------------


def copy_suite(destination: Path, old: str, new: str) -> Path:
    """The suite with one line of its assignment.toml changed."""
    suite = Path(shutil.copytree(SUITE, destination, ignore=shutil.ignore_patterns("__pycache__")))
    text = (suite / "assignment.toml").read_text()
    assert text.count(old) == 1
    given = os.path.relpath(ROOT / "student", suite)  # where it is named from has moved
    (suite / "assignment.toml").write_text(text.replace(old, new).replace("../../student", given))
    return suite


def grade_part(suite: Path, tree: Path, selection: str) -> Grade:
    """The grade of a part."""
    options = RunOptions(seed=20, devices=("cpu",), selection=selection, isolation="worker", sandbox="none")
    out = suite.parent / "out"
    return grade_trees(load_assignment(suite), [tree], options, jobs=1, out=out, watch=lambda tree, event: None)[0]


def results(grade: Grade) -> list[CaseResult]:
    """The grade's cases in their order."""
    return [result for item in grade.problems for result in item.results]
