"""The suite under pytest: what selects, what decides a verdict, and what stops a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, TOY, lay_over

from grader.build import BuiltTree

PYTEST = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-v"]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A copy of the toy's suite that a test may change."""
    return Path(shutil.copytree(TOY / "assignment", tmp_path / "suite"))


def run(suite: Path, *options: str, tree: str = "good") -> subprocess.CompletedProcess[str]:
    """Run pytest over a suite, as a student does, on one of the toy's submissions."""
    place = lay_over(tree, suite.parent / "trees" / tree) if not (suite.parent / "trees" / tree).exists() else None
    command = [*PYTEST, str(suite), "--tree", str(place or suite.parent / "trees" / tree), *options]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # Hypothesis alone costs 0.4 s a start
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)


def passed(result: subprocess.CompletedProcess[str]) -> set[str]:
    """The test functions with a case that passed."""
    lines = [line for line in result.stdout.splitlines() if "PASSED" in line]
    return {line.partition("::")[2].partition("[")[0] for line in lines}


def replace_test(suite: Path, body: str) -> None:
    """Let the suite have one test with this body."""
    (suite / "test_toy.py").write_text(
        "import pytest\nfrom probes import vectors\nfrom grader.compare import assert_close\n\n"
        '@pytest.mark.problem("add")\ndef test_add(subject, rng):\n    """One sentence."""\n    ' + body + "\n"
    )


@pytest.mark.parametrize(
    ("expression", "functions"),
    [
        ("add", {"test_add"}),
        ("elementwise", {"test_add", "test_scale"}),
        ("multiply", {"test_scale"}),
        ("elementwise and not scale", {"test_add"}),
        ("test_total", {"test_total"}),
    ],
    ids=["problem", "bucket", "alias", "expression", "function"],
)
def test_selection_knows_problems_buckets_and_tests(suite: Path, expression: str, functions: set[str]) -> None:
    """-k selects by problem, alias, bucket and test name, in pytest's expressions."""
    assert passed(run(suite, "-k", expression)) == functions


def test_seed_is_printed(suite: Path) -> None:
    """A run without --seed draws one and prints it, so that it can be repeated."""
    assert "seed " in run(suite, "-k", "add").stdout


def test_failure_is_told_in_plain_words(suite: Path) -> None:
    """A wrong answer shows the message and the command that repeats the case, and none of the harness's code."""
    output = run(suite, "-k", "scale", "--seed", "5", tree="wrong").stdout
    assert "scale: out is wrong at [0]" in output
    assert "--seed 5" in output
    assert "def assert_close" not in output


@pytest.mark.parametrize(
    "body",
    ["{}['missing']", "subject(vectors.add)", "assert_close(rng.normal(2), 'words')", "raise OSError('disk')"],
    ids=["bug", "wrong call", "broken oracle", "environment"],
)
def test_fault_of_ours_stops_the_run(suite: Path, body: str) -> None:
    """An error of a test itself ends the run with exit status 3: it can never become somebody's lost point."""
    replace_test(suite, body)
    result = run(suite)
    assert result.returncode == 3, result.stdout
    assert "the harness is at fault in test_toy.py::test_add" in result.stdout


def test_assertion_of_a_test_is_a_failure(suite: Path) -> None:
    """A plain assert in a test judges the submission like a comparison."""
    replace_test(suite, "assert 1 == 2")
    result = run(suite)
    assert result.returncode == 1
    assert "1 failed" in result.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--device", "tpu"], "--device has value 'tpu'; expected one of: cpu, gpu."),
        (["--sandbox", "jail"], "--sandbox has value 'jail'; expected one of: auto, none, "),
        (["--check", "memory"], "--check has value 'memory', but no device of toy is simulated."),
        (["--tree", "nowhere"], "nowhere"),
    ],
    ids=["device", "sandbox", "check", "tree"],
)
def test_bad_option_is_one_sentence(suite: Path, options: list[str], sentence: str) -> None:
    """An option's bad value is named, with what was expected, and the exit status of bad usage."""
    result = run(suite, *options)
    assert sentence in result.stdout + result.stderr
    assert result.returncode == 4


def test_unknown_problem_in_a_marker_is_refused(suite: Path) -> None:
    """A test that names a problem which the assignment does not have is an error of the suite, found at collection."""
    (suite / "test_toy.py").write_text('import pytest\n\n@pytest.mark.problem("addd")\ndef test_add(): ...\n')
    result = run(suite)
    assert "toy has no problem 'addd'; expected one of: add, scale, total." in result.stdout + result.stderr
    assert result.returncode not in (0, 1)


MARKED = "import pytest\n\n@pytest.mark.problem('add', devices=({},))\ndef test_add(subject, device): ...\n"


@pytest.mark.parametrize(("device", "is_case"), [("'cpu'", True), ("'gpu'", False)], ids=["there", "not there"])
def test_case_of_one_backend_is_none_on_another(suite: Path, device: str, is_case: bool) -> None:
    """What only some devices have is a case on these alone: on others it can neither be lost nor won."""
    (suite / "test_toy.py").write_text(MARKED.format(device))
    assert ("test_add[cpu]" in run(suite, "--device", "cpu", "--collect-only", "-q").stdout) == is_case


def test_unknown_device_in_a_marker_is_refused(suite: Path) -> None:
    """A misspelt device in a marker is an error of the suite: it must not make the case vanish."""
    (suite / "test_toy.py").write_text(MARKED.format("'cup'"))
    result = run(suite)
    assert "is for device 'cup'; expected some of: cpu, gpu." in result.stdout + result.stderr
    assert result.returncode not in (0, 1)


def test_events_tell_every_case_once(suite: Path) -> None:
    """The stream for `grader grade` has the list of cases first, then one verdict for each."""
    reader, writer = os.pipe()
    tree = lay_over("good", suite.parent / "good")
    command = [*PYTEST, str(suite), "--tree", str(tree), "--events", str(writer)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, pass_fds=[writer]):
        os.close(writer)
        with os.fdopen(reader) as lines:
            events = [json.loads(line) for line in lines]
    assert events[0]["event"] == "collected"
    verdicts = [event["id"] for event in events if event["event"] == "verdict"]
    assert sorted(verdicts) == sorted(case["id"] for case in events[0]["cases"])


def test_in_process_isolation_runs_the_same_cases(suite: Path) -> None:
    """--isolation=none passes what a worker passes."""
    assert passed(run(suite, "--isolation", "none")) == {"test_add", "test_scale", "test_total"}


# -- devices that are simulated --

WHERE = """
import importlib.util

def where(vec, device):
    found = importlib.util.find_spec("vec._cuda")
    return {"file": found.origin}
"""


@pytest.fixture
def simulating_suite(suite: Path) -> Path:
    """The toy's suite with one more device, which simulates `gpu`, and one test: which build it was given."""
    text = (suite / "assignment.toml").read_text()
    text = text.replace('known = ["cpu", "gpu"]', 'known = ["cpu", "gpu", "gpu-sim"]')
    text = text.replace("[submission]", '[devices.simulates]\ngpu-sim = "gpu"\n\n[submission]', 1)
    (suite / "assignment.toml").write_text(text)
    (suite / "probes" / "vectors.py").write_text(WHERE)
    replace_test(suite, 'assert device in ("cpu", "gpu-sim") and subject(vectors.where).file == f"/{device}.so"')
    file = suite / "test_toy.py"
    file.write_text(file.read_text().replace("(subject, rng)", "(subject, rng, device)"))
    return suite


def prepared(folder: Path, **changes: object) -> list[str]:
    """The options for a tree that is built already, in both ways."""
    root = lay_over("good", folder / "trees" / "good")
    (root / "vec" / "__init__.py").write_text("")
    modules = {"vec._native": "", "vec._cuda": "/cpu.so"}
    tree = BuiltTree("good", root, modules, None, simulated={"vec._cuda": "/gpu-sim.so"})
    (folder / "tree.json").write_text(replace(tree, **changes).to_json())  # type: ignore[arg-type]
    return ["--prepared", str(folder / "tree.json")]


def test_a_simulated_device_has_a_worker_of_its_own(simulating_suite: Path, tmp_path: Path) -> None:
    """In one run each device's cases are asked of the build that is its own."""
    result = run(simulating_suite, "--device", "cpu", "--device", "gpu-sim", *prepared(tmp_path))
    assert "test_add[cpu] PASSED" in result.stdout
    assert "test_add[gpu-sim] PASSED" in result.stdout


@pytest.mark.parametrize("device", ["cpu", "gpu-sim"])
def test_in_this_process_there_is_one_build(device: str, simulating_suite: Path, tmp_path: Path) -> None:
    """The one for the device that was chosen."""
    result = run(simulating_suite, "--isolation", "none", "--device", device, *prepared(tmp_path))
    assert f"test_add[{device}] PASSED" in result.stdout


def test_two_builds_in_this_process_are_refused(simulating_suite: Path) -> None:
    """A module cannot be loaded twice."""
    result = run(simulating_suite, "--isolation", "none", "--device", "gpu", "--device", "gpu-sim")
    assert "--isolation none cannot have gpu and gpu-sim in one process" in result.stdout + result.stderr
    assert result.returncode == 4


def test_module_that_is_not_built_is_an_error(simulating_suite: Path, tmp_path: Path) -> None:
    """Its device's cases are lost, each with the reason and the command to repeat it; others' are not."""
    options = prepared(tmp_path, unbuilt={"gpu-sim": "_cuda is not built for gpu-sim: src/cuda.cu:4: no textures"})
    result = run(simulating_suite, "--device", "cpu", "--device", "gpu-sim", "--check", "race", "--seed", "5", *options)
    assert "test_add[cpu] PASSED" in result.stdout
    assert "1 passed, 1 error" in result.stdout
    assert "_cuda is not built for gpu-sim: src/cuda.cu:4: no textures" in result.stdout
    assert "--seed 5 --check race" in result.stdout


def test_tree_that_is_built_for_no_chosen_device_says_so_once(simulating_suite: Path, tmp_path: Path) -> None:
    """A person is not told the same of every case."""
    result = run(simulating_suite, "--device", "gpu-sim", *prepared(tmp_path, unbuilt={"gpu-sim": "no textures"}))
    assert (result.returncode, result.stdout.count("no textures")) == (1, 1)


def test_device_that_cannot_be_compiled_for_is_not_run(simulating_suite: Path, tmp_path: Path) -> None:
    """Where the CUDA compiler itself is broken, nobody loses a point."""
    result = run(
        simulating_suite,
        "--device",
        "cpu",
        "--device",
        "gpu-sim",
        *prepared(tmp_path, absent={"gpu-sim": "broken nvcc"}),
        "-rs",
    )
    assert "1 passed, 1 skipped" in result.stdout
    assert "broken nvcc" in result.stdout


def test_auto_says_what_it_chose(simulating_suite: Path, tmp_path: Path) -> None:
    """Where there is no GPU, its simulator runs, and the terminal says so."""
    result = run(simulating_suite, "--device", "auto", "--tree", str(lay_over("good", tmp_path / "tree")))
    assert "grader: gpu-sim stands in for gpu: no " in result.stdout
    assert "test_add[gpu-sim]" in result.stdout
    assert "test_add[gpu]" not in result.stdout
