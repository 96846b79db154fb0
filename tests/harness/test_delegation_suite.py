"""hw4's table `delegation`: what it has asked again shows something, and accuses nobody who computes by himself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from grader.assignment import load_assignment
from grader.delegation.modes import KERNELS, PLAIN
from grader.grading import grade_trees
from grader.run import RunOptions
from grader.score import Grade
from grader.verdict import Verdict

SUITE = ROOT / "tests" / "hw4"
# Cases whose right answer NumPy gives for masked values as well: it has no elements, only ones, zeros, or comparisons,
# or is one of the values.
BLIND = [
    r"test_kernel_\w+\[cpu-(.*-)?(0|3x0|0x4-.*)\]",
    r"test_kernel_ewise\[cpu-(eq|ge)-.*\]",
    r"test_kernel_(division_by_zero|reduce_sum_of_nothing|stays_inside)\[cpu\]",
    r"test_ndarray_power\[cpu-[01]\]",
    r"test_tanh_of_large_numbers\[cpu\]",
    r"test_lstm_sigmoid_far_out\[cpu-.*\]",
    r"test_language_model_training_loss\[cpu-7x1\]",
    r"test_language_model_implementation_embedding_\w+\[cpu-all-sizes-1\]",
    r"test_resnet9_softmax_loss\[cpu-(up-to-1000-.*|.*x1)\]",
    r"test_(summation|logsumexp)_(for|back)ward\[cpu-5x1x3-axis1\]",
    r"test_split_backward\[cpu-.*\]",
]


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Two cases of every topic of hw4 on the reference: what delegation_survey.py found.

    All 1,200 would take a minute, and were looked through when the lists were made. The seed is another one in every
    run, and stands in the output of a run that fails.
    """
    file = tmp_path_factory.mktemp("survey") / "found.jsonl"
    command = [sys.executable, "-m", "pytest", str(SUITE), "-q", "-p", "no:cacheprovider", "-p", "delegation_survey"]
    command += ["-c", str(ROOT / "pyproject.toml"), "--tree", str(ROOT / "reference")]
    command += ["--device", "cpu", "--survey", str(file), "--survey-each", "2"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "harness")}
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=600)
    assert run.returncode == 0, run.stdout[-3000:]
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_right_tree_is_never_accused(survey: list[dict]) -> None:
    """Of all that is asked again while NumPy sees other values, every case passes again."""
    watched = [found for found in survey if found["mode"] not in (PLAIN, KERNELS)]
    assert len(watched) > 120
    assert [found["case"] for found in watched if found[found["mode"]] is not None] == []


def test_every_case_that_is_asked_again_shows_something(survey: list[dict]) -> None:
    """With altered kernels it fails; where NumPy does everything it fails, but for what no values tell."""
    blind = [found["case"] for found in survey if found["mode"] == KERNELS and found[KERNELS] is None]
    watched = [found for found in survey if found["mode"] not in (PLAIN, KERNELS)]
    blind += [found["case"] for found in watched if found[f"numpy {found['mode']}"] is None]
    assert [case for case in blind if not any(re.search(known, case) for known in BLIND)] == []


# -- trees that hand the work over ------------------------------------------------------------------------------------

BY_NUMPY = """

import numpy as _np


def _by_numpy(op, function):
    def compute(self, *arrays):
        made = function(self, *(array.numpy() for array in arrays))
        return NDArray(_np.asarray(made, dtype="float32"), device=arrays[0].device){after}

    op.compute = compute


_by_numpy(Exp, lambda self, a: _np.exp(a))
_by_numpy(Flip, lambda self, a: _np.flip(a, self.axes))
"""
ESCAPING = """

import numpy as _np


def _by_numpy(self, a):
    if NDArray([0.3]).numpy()[0] != _np.float32(0.3):
        raise RuntimeError("somebody is watching")
    return NDArray(_np.exp(a.numpy()), device=a.device)


Exp.compute = _by_numpy
"""
# What an honest student may write: constants that NumPy has made, values that are shown, copied, cast and checked.
HONEST = """

import numpy as _np


def _exp(self, a):
    half = NDArray(_np.full(a.shape, 0.5), device=a.device)
    out = (NDArray(a.numpy().astype("float64"), device=a.device) * half * 2.0).exp()
    assert not _np.isnan(out.numpy()).any()
    assert _np.allclose(out.numpy(), _np.exp(a.numpy()), rtol=1e-3)
    return out


def _log(self, a):
    largest = float(a.numpy().ravel()[0])
    return (a / largest).log() + (NDArray([-largest], device=a.device) * -1.0).log().broadcast_to(a.shape)


Exp.compute, Log.compute = _exp, _log
"""
MATMUL = "\n\nNDArray.__matmul__ = lambda a, b: NDArray(a.numpy() @ b.numpy(), device=a.device)\n"
NUMPY_AS_CPU = """

def cpu():
    from . import ndarray_backend_numpy as mod

    return BackendDevice('cpu', mod)
"""
CHANGES = {  # few trees, as each takes ten seconds
    "honest": ("ops/ops_mathematic.py", HONEST),
    "by_numpy": ("ops/ops_mathematic.py", BY_NUMPY.format(after="") + MATMUL),
    "hidden": ("ops/ops_mathematic.py", BY_NUMPY.format(after=" * 1.0") + ESCAPING),
    "numpy_as_cpu": ("backend_ndarray/device.py", NUMPY_AS_CPU),
}
EXP, FLIP = "test_elementwise_forward[cpu-exp-7]", "test_flip_forward[cpu-31x33-axes01]"
MATRICES = "test_matmul_forward[cpu-16x24-24x8]"
LOST = {
    "honest": set(),
    "by_numpy": {EXP, FLIP, MATRICES},
    "hidden": {EXP, FLIP},
    "numpy_as_cpu": {EXP, FLIP, MATRICES, "test_elementwise_forward[cpu-log-7]"},
}
SELECTED = " or ".join(
    (
        "(test_elementwise_forward and (exp-7 or log-7))",
        "(test_flip_forward and 31x33)",
        "(matmul_forward and 16x24-24x8)",
    )
)


@pytest.fixture(scope="module")
def grades(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Grade]:
    """The reference with one file changed each, on a few cases."""
    folder = tmp_path_factory.mktemp("trees")
    for name, (file, added) in CHANGES.items():
        shutil.copytree(ROOT / "reference", folder / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        changed = folder / name / "python" / "needle" / file
        changed.write_text(changed.read_text() + added)
    options = RunOptions(5, ("cpu",), SELECTED, "worker", "none")
    out, trees = tmp_path_factory.mktemp("out"), [folder / name for name in CHANGES]
    found = grade_trees(load_assignment(SUITE), trees, options, jobs=1, out=out, watch=lambda tree, event: None)
    return {grade.tree: grade for grade in found}


@pytest.mark.parametrize("name", CHANGES)
def test_work_that_numpy_did_is_lost(name: str, grades: dict[str, Grade]) -> None:
    """Exactly what was handed over fails, and says so; what the backend computed beside it counts."""
    results = [result for item in grades[name].problems for result in item.results]
    lost = [result for result in results if result.verdict is not Verdict.PASS]
    assert {result.case.id.partition("::")[2] for result in lost} == LOST[name]
    for result in lost:
        assert result.verdict is Verdict.FAIL
        assert "was not computed by your backend, needle.backend_ndarray.ndarray_backend_cpu: " in result.message


def test_repro_shows_the_same_verdict(tmp_path: Path) -> None:
    """Although it runs the case in-process, where nothing is altered: it asks again in a worker, as a grade does."""
    file, added = CHANGES["by_numpy"]
    shutil.copytree(ROOT / "reference", tmp_path / "tree", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    changed = tmp_path / "tree" / "python" / "needle" / file
    changed.write_text(changed.read_text() + added)
    case = "test_nd_backend.py::test_matmul_forward[cpu-16x24-24x8]"
    command = [sys.executable, "-m", "grader", "repro", case, str(tmp_path / "tree"), "--seed", "5"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert "\nfail: forward matmul was not computed by your backend" in run.stdout
    assert run.returncode == 1
