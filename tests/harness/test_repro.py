"""`python -m grader repro`: one case again, with everything that went in and came out."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT, TOY, lay_over

from grader.assignment import Assignment
from grader.repro import _device, _unwatched

HW4 = ROOT / "tests" / "hw4"
CASE = "test_toy.py::test_scale[cpu-3]"


def repro(
    case: str, tree: object, *options: str, typed: str = "", suite: Path = TOY / "assignment", here: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command on a suite, in the folder `here`; `typed` is what somebody types meanwhile."""
    if here is None:
        with tempfile.TemporaryDirectory() as folder:  # for out/, where it leaves its script
            return repro(case, tree, *options, typed=typed, suite=suite, here=Path(folder))
    command = [sys.executable, "-m", "grader", "repro", case, str(tree), "--suite", str(suite), *options]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}  # as on most machines
    env["PYTEST_ADDOPTS"] = "-k nothing"  # a user's wish that must not reach it
    env["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        command, cwd=here, env=env, input=typed, capture_output=True, text=True, check=False, timeout=300
    )


def changed(folder: Path, body: str) -> Path:
    """A submission whose `scale` has this body."""
    tree = lay_over("good", folder / "changed")
    file = tree / "vec" / "elementwise.py"
    file.write_text(file.read_text().replace("    return a * factor", f"    {body}"))
    return tree


def test_passing_case_shows_inputs_and_outputs() -> None:
    """Exit status 0, and every array by its name, with dtype, shape and values."""
    result = repro(CASE, TOY / "good", "--seed", "3")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == f"{CASE} on {TOY / 'good'}, seed 3"
    assert lines[1].startswith("No time limit")
    assert lines[3:5] == ["probes.vectors.scale on cpu", "  a  float32 (3,)"]
    assert lines[6:8] == ["  factor  2.5", "  -> out  float32 (3,)"]
    a, out = ([float(number) for number in lines[i].strip(" []").split()] for i in (5, 8))
    assert out == pytest.approx([2.5 * number for number in a], abs=1e-4)
    assert lines[-1] == "pass"


def test_failing_case_says_what_is_wrong(tmp_path: Path) -> None:
    """Exit status 1, what was expected beside what was got, a script, and the message, less the command just run."""
    result = repro(CASE, lay_over("wrong", tmp_path / "wrong"), "--seed", "3", here=tmp_path)
    assert (result.returncode, result.stderr) == (1, "")
    assert "  -> out  float32 (3,)" in result.stdout
    assert "\nout\n  got  float32 (3,)\n" in result.stdout
    assert "\n  expected  float64 (3,)\n" in result.stdout
    assert "\nfail: scale: out is wrong at [0]: got " in result.stdout
    assert "Run:" not in result.stdout
    file = tmp_path / "out" / "wrong" / "repro_test_scale_cpu-3.py"
    script = file.read_text()
    assert script in result.stdout
    assert script.startswith(f'"""{CASE}, seed 3, without the grader.')
    compile(script, str(file), "exec")


def test_passing_case_leaves_no_script(tmp_path: Path) -> None:
    """There is nothing to show."""
    assert repro(CASE, TOY / "good", here=tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_seed_is_printed_where_none_is_given(tmp_path: Path) -> None:
    """Without --seed a new one is drawn, and can be used again: the same inputs come."""
    tree = changed(tmp_path, "return print('had', *a)")
    first = repro(CASE, tree)
    again = repro(CASE, tree, "--seed", first.stdout.splitlines()[0].rpartition(" ")[2])
    assert "had" in first.stdout
    assert again.stdout == first.stdout


def test_exception_shows_the_trees_lines(tmp_path: Path) -> None:
    """What the tree raised comes with the lines of the tree, and none of ours."""
    result = repro(CASE, lay_over("raises", tmp_path / "raises"))
    assert result.returncode == 1
    assert "error: scale raised IndexError" in result.stdout
    assert "  vec/elementwise.py:9 in scale\n    return a[8] * factor\n" in result.stdout
    assert "/grader/" not in result.stdout + result.stderr


def test_debugger_works(tmp_path: Path) -> None:
    """A breakpoint() in the tree stops there, takes commands, and the case goes on."""
    result = repro(CASE, changed(tmp_path, "breakpoint(); return a * factor"), typed="p 'factor is', factor\nc\n")
    assert "('factor is', 2.5)" in result.stdout
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "pass")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('so far'); import ctypes; ctypes.string_at(0)", "error: crashed with SIGSEGV"),
        ("print('so far'); import os; os._exit(0)", "error: the submission ended the process with exit status 0"),
    ],
    ids=["crash", "exit"],
)
def test_end_of_the_process_is_told(body: str, words: str, tmp_path: Path) -> None:
    """A crash takes the process along, and is told with what was printed before; it is no pass."""
    result = repro(CASE, changed(tmp_path, body))
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == words
    assert "so far" in result.stdout
    assert "  factor  2.5" in result.stdout
    assert 'print("an answer, and no error:", answer)' in result.stdout  # the script, written before it happened


def test_tree_that_does_not_compile_says_so(tmp_path: Path) -> None:
    """The compiler's first error, once."""
    result = repro(CASE, lay_over("does_not_compile", tmp_path / "tree"))
    assert result.returncode == 1
    assert result.stdout.count("error: src/native.cc does not compile:") == 1
    assert "src/native.cc:1:" in result.stdout


@pytest.mark.parametrize(
    ("case", "tree", "sentence"),
    [
        (
            "test_toy.py::test_scale[cpu-4]",
            TOY / "good",
            "toy has no case 'test_toy.py::test_scale[cpu-4]'; grade.json lists",
        ),
        ("test_toy.py::test_nothing", TOY / "good", "toy has no case 'test_toy.py::test_nothing'; grade.json lists"),
        ("test_scale", TOY / "good", "'test_scale' is not the id of a case; expected one as a report gives it"),
        ("probes/vectors.py::scale", TOY / "good", "'probes/vectors.py::scale' is not the id of a case"),
        (CASE, "nowhere", "nowhere is not there; expected a folder, .zip, .tar"),
        (
            "test_toy.py::test_scale[gpu-3]",
            TOY / "good",
            "test_toy.py::test_scale[gpu-3] cannot be run on this machine: no ",
        ),
    ],
    ids=["parameters", "function", "no id", "path", "tree", "device"],
)
def test_what_is_not_there_is_one_sentence(case: str, tree: object, sentence: str) -> None:
    """An id or a tree that is not there, or a device that this machine lacks, is exit status 2 and a sentence."""
    result = repro(case, tree)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {sentence}")
    assert result.stderr.count("\n") == 1
    assert result.stdout.count("\n") == (0 if "is not the id" in sentence else 2)


@pytest.mark.parametrize(
    ("case", "device"),
    [
        ("test_toy.py::test_scale[cpu-3]", ["cpu"]),
        ("test_toy.py::test_scale[gpu-3]", ["gpu"]),
        ("test_toy.py::test_scale[gpu-sim-3]", ["gpu-sim"]),
        ("test_toy.py::test_scale[gpu-sim]", ["gpu-sim"]),
        ("test_toy.py::test_scale[gpus]", []),
        ("test_toy.py::test_scale", []),
    ],
)
def test_device_is_read_from_the_id(case: str, device: list[str], simulating: Assignment) -> None:
    """Also where one device's name begins with another's."""
    assert _device(simulating, case) == device


@pytest.mark.parametrize(
    ("device", "checks", "words"),
    [
        (["gpu-sim"], [], "\n`--check memory` and `--check race` find more: see docs/cuda-sim.md.\n"),
        (["gpu-sim"], ["memory"], "\n`--check race` finds more: see docs/cuda-sim.md.\n"),
        (["gpu-sim"], ["race", "memory"], ""),
        (["cpu"], [], ""),
        ([], [], ""),
    ],
)
def test_what_was_not_watched_for_is_named(
    device: list[str], checks: list[str], words: str, simulating: Assignment
) -> None:
    """Under a simulated device only: what is left to try when a case fails."""
    assert _unwatched(simulating, device, checks) == words


def test_check_of_a_device_that_is_not_simulated_is_refused() -> None:
    """It would check nothing."""
    result = repro("test_conv.py::test_op_conv_forward[cpu-3]", TOY / "good", "--check", "memory", suite=HW4)
    assert result.returncode == 2
    assert result.stderr == (
        "error: --check has value 'memory', but only simulated devices are checked; name one: `--device cuda-sim`.\n"
    )
