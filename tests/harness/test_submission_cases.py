"""hw4's submission cases: the same on every run, right for every right program, wrong for every wrong one."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from grader.assignment import load_assignment
from grader.mugrade import codec
from grader.server.desk.judging import finite, judge
from grader.submission.answers import TreeAnswers, compute

HW4 = load_assignment(ROOT / "tests" / "hw4")
NEEDLE = "python/needle"


def answers(tree: Path, select: str = "") -> TreeAnswers:
    """The tree's answers."""
    return compute(HW4, tree, select=select, sandbox="none", watch=lambda event: None)


def as_posted(found: TreeAnswers) -> dict[tuple[str, str], bytes]:
    """The bytes that a submission would post, by problem and title."""
    return {(p.problem.name, case.title): codec.dumps(case.value) for p in found.problems for case in p.cases}


@pytest.fixture(scope="module")
def published() -> TreeAnswers:
    """The reference's answers."""
    return answers(ROOT / "reference")


def wrong_cases(published: TreeAnswers, found: TreeAnswers) -> set[tuple[str, str]]:
    """Problem and title of the cases that the server would call wrong, or that could not be posted."""
    right = as_posted(published)
    wrong = set()
    for answer in found.problems:
        for case in answer.cases:
            key = (answer.problem.name, case.title)
            if case.error or not finite(case.value):
                wrong.add(key)
                continue
            value, want = codec.loads(codec.dumps(case.value)), codec.loads(right[key])
            if not judge(value, want, answer.problem.rtol, answer.problem.atol).correct:
                wrong.add(key)
    return wrong


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """Make a copy of the reference in which one text of one file is another."""

    def change(file: str, old: str, new: str) -> Path:
        tree = tmp_path / "tree"
        ignored = shutil.ignore_patterns("build", "__pycache__", "*.so")
        shutil.copytree(ROOT / "reference", tree, ignore=ignored, dirs_exist_ok=True)
        text = (tree / file).read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{file} of the reference has changed"
        (tree / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return tree

    return change


# -- what is asked -----------------------------------------------------------------------------------------------


def test_the_reference_answers_every_case(published: TreeAnswers) -> None:
    """Ten problems, as listed in assignment.toml, no error, every number finite."""
    assert published.fault is None
    assert [(p.problem.name, tuple(case.title for case in p.cases)) for p in published.problems] == [
        (problem.name, problem.submission_cases) for problem in HW4.problems
    ]
    assert [case.error for p in published.problems for case in p.cases if case.error] == []
    assert all(finite(case.value) for p in published.problems for case in p.cases)


def test_every_problem_has_5_to_8_cases() -> None:
    """Few enough to look at, enough to tell what is wrong."""
    counts = {problem.name: len(problem.submission_cases) for problem in HW4.problems}
    assert all(5 <= count <= 8 for count in counts.values()), counts


def test_answers_are_small(published: TreeAnswers) -> None:
    """A problem is at most 200 kB of JSON, a tenth of a second on a slow line."""
    sizes: dict[str, int] = {}
    for (problem, _), data in as_posted(published).items():
        sizes[problem] = sizes.get(problem, 0) + len(data)
    assert max(sizes.values()) <= 200_000, sizes


def parts(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Every value inside a value, with the way to it."""
    yield place, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from parts(item, f"{place} / {key}")


def test_every_gradient_that_is_asked_for_arrives(published: TreeAnswers) -> None:
    """Where an output gradient has another shape than the value, a probe gives no gradient: a wrong case of ours."""
    found = dict(
        part
        for p in published.problems
        for case in p.cases
        for part in parts(case.value, f"{p.problem.name}: {case.title}")
    )
    assert [place for place, value in found.items() if value is None] == []
    bare = [place for place, value in found.items() if isinstance(value, dict) and value.get("grads", True) == []]
    assert bare == []
    backward = next(p for p in published.problems if p.problem.name == "conv_backward")
    assert all(isinstance(case.value, dict) for case in backward.cases)


# -- always the same ---------------------------------------------------------------------------------------------


def test_answers_are_the_same_to_the_byte(published: TreeAnswers) -> None:
    """A second run, of a tree elsewhere and another process, with another hash seed, posts the same bytes."""
    script = (
        "import sys, hashlib\nfrom pathlib import Path\nsys.path.insert(0, 'tests/harness')\n"
        "import test_submission_cases as t\n"
        "posted = t.as_posted(t.answers(Path('reference')))\n"
        "print(hashlib.sha256(b'\\n'.join(posted.values())).hexdigest())\n"
    )
    env = {**os.environ, "PYTHONHASHSEED": "12345", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)
    digest = hashlib.sha256(b"\n".join(as_posted(published).values())).hexdigest()
    assert done.stdout.strip() == digest, done.stderr


def test_a_selected_problem_has_the_same_answers(published: TreeAnswers) -> None:
    """What else is asked in the same run does not matter."""
    alone = as_posted(answers(ROOT / "reference", "lstm"))
    everything = as_posted(published)
    assert alone
    assert alone == {key: everything[key] for key in alone}


def test_another_right_program_is_right(published: TreeAnswers, changed: Callable[[str, str, str], Path]) -> None:
    """Sums in NumPy's order, rounded otherwise than in C++: no case hangs on a rounding."""
    file = f"{NEEDLE}/backend_ndarray/device.py"
    tree = changed(file, 'if name == "cpu_numpy" else', 'if name in ("cpu", "cpu_numpy") else')
    found = answers(tree)
    # The one case that asks the compiled module itself, of which NumPy's has no tiles.
    assert wrong_cases(published, found) == {("nd_backend", "kernels of the C++ backend")}
    assert sum(as_posted(published)[key] != value for key, value in as_posted(found).items()) > 15


# -- what is wrong shows -----------------------------------------------------------------------------------------

OPS = f"{NEEDLE}/ops/ops_mathematic.py"
BUGS = {
    "the last row is dropped in conv": (
        "conv_backward",
        OPS,
        "after = Z.shape[axis] + self.padding - spread.shape[axis]",
        "after = before - self.stride + 1",
    ),
    "kernels not flipped": ("conv_backward", OPS, "transpose(flip(W, (0, 1)), (2, 3))", "transpose(W, (2, 3))"),
    "stride of rows and columns": ("conv_forward", OPS, "of_pixel * self.stride,", "of_pixel,"),
    "an axis beyond the array's": ("new_ops", OPS, "-ndim <= axis < ndim", "-ndim <= axis <= ndim"),
    "gradient not flipped": ("new_ops", OPS, "return flip(out_grad, self.axes)", "return out_grad"),
    "gate order": ("lstm", f"{NEEDLE}/nn/nn_sequence.py", "i, f, g, o = tuple(", "f, i, g, o = tuple("),
    "last batch": (
        "cifar10",
        f"{NEEDLE}/data/data_basic.py",
        "return full + (rest > 0 and not self.drop_last)",
        "return full",
    ),
    "pixels not divided": ("cifar10", f"{NEEDLE}/data/datasets/cifar10_dataset.py", "self.X /= 255", "self.X /= 256"),
    "bias correction of Adam": ("resnet9", f"{NEEDLE}/optim.py", "v / (1 - self.beta2**t)", "v / (1 - self.beta2)"),
    "running statistics": (
        "resnet9",
        f"{NEEDLE}/nn/nn_basic.py",
        "(1 - self.momentum) * running + self.momentum * new.detach()",
        "self.momentum * running + (1 - self.momentum) * new.detach()",
    ),
    "columns for rows": (
        "ptb",
        f"{NEEDLE}/data/datasets/ptb_dataset.py",
        "np.ascontiguousarray(columns.T)",
        "columns.reshape(rows, -1)",
    ),
    "state not carried": ("language_model", "apps/simple_ml.py", "h = _detached(h)", "h = None"),
    "unstable logsumexp": (
        "nd_backend",
        f"{NEEDLE}/ops/ops_logarithmic.py",
        'reduce_axes(Z, self.axes, "max")',
        'reduce_axes(Z, self.axes, "max") * 0',
    ),
    "relu and tanh exchanged": (
        "rnn",
        f"{NEEDLE}/nn/nn_sequence.py",
        "activation = ops.tanh if",
        "activation = ops.relu if",
    ),
}


@pytest.mark.parametrize(("problem", "file", "old", "new"), BUGS.values(), ids=list(BUGS))
def test_a_typical_mistake_makes_a_case_wrong(
    published: TreeAnswers, changed: Callable[[str, str, str], Path], problem: str, file: str, old: str, new: str
) -> None:
    """Of the problem that it is a mistake in."""
    assert wrong_cases(published, answers(changed(file, old, new), problem))


def test_a_crash_costs_the_cases_that_crash(published: TreeAnswers, changed: Callable[[str, str, str], Path]) -> None:
    """The others of the problem have their answers, the crash is named, and so is the next problem's every answer."""
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n        "
    tree = changed(OPS, "steps = axis_steps(a.ndim, self.axes, self.dilation)\n        shape", crash + "shape")
    found = answers(tree, "new_ops or ptb")
    assert wrong_cases(published, found) == {
        ("new_ops", "Dilate and its gradient"),
        ("new_ops", "UnDilate and its gradient"),
    }
    errors = [case.error for p in found.problems for case in p.cases if case.error]
    assert all(error.startswith("crashed with SIGSEGV") for error in errors), errors


def test_the_starter_says_what_is_not_implemented() -> None:
    """Each case of each problem, in a line; nothing of it can be posted, and no fault is told of the tree."""
    found = answers(ROOT / "student")
    assert found.fault is None
    assert len(found.problems) == 10
    cases = [case for p in found.problems for case in p.cases]
    assert [case.title for case in cases if not case.error.startswith("not implemented: ") or "\n" in case.error] == []
    assert all(case.value is None for case in cases)


def test_values_hold_arrays_and_plain_numbers(published: TreeAnswers) -> None:
    """Nothing else, so that any client can send them: no label of ours, no scalar of NumPy."""
    kinds = {
        type(value) for p in published.problems for case in p.cases for _, value in parts(case.value, p.problem.name)
    }
    assert kinds == {np.ndarray, dict, list, float, int, bool, str}
