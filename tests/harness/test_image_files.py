"""The files from which the image is built, and the workflow that uses it, agree with the checkout they stand in."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

import pytest
from conftest import ROOT

from grader import grading

DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def instructions(name: str) -> list[str]:
    """What follows the Dockerfile's instructions of that name."""
    return [line.partition(" ")[2].strip() for line in INSTRUCTIONS if line.partition(" ")[0] == name]


def in_context(path: str) -> bool:
    """Whether a file reaches the build: .dockerignore's last rule for it, or for a folder above it, decides."""
    above = ["/".join(path.split("/")[:end]) for end in range(1, path.count("/") + 2)]
    taken = True
    for rule in IGNORED:
        pattern = rule.removeprefix("!")
        names = [name.rpartition("/")[2] for name in above] if pattern.startswith("**/") else above
        # Docker's * does not cross a slash, and fnmatch's does; here it stands alone or in the last part only.
        if any(fnmatchcase(name, pattern.removeprefix("**/")) for name in names):
            taken = rule.startswith("!")
    return taken


def script(name: str) -> ModuleType:
    """A script of docker/, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docker" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


# -- Dockerfile -----------------------------------------------------------------------------------------------------


def test_torch_is_the_one_of_the_makefile() -> None:
    """The image judges with the PyTorch that `make setup` installs, from the same place."""
    makefile = (ROOT / "Makefile").read_text()
    settings = dict(line.split("=", 1) for line in instructions("ARG"))
    for ours, theirs in (("TORCH_VERSION", r"^TORCH := (\S+)$"), ("TORCH_INDEX", r"^TORCH_INDEX \?= (\S+)$")):
        found = re.search(theirs, makefile, re.MULTILINE)
        assert found is not None
        assert settings[ours] == found[1]


def test_base_is_named_exactly() -> None:
    """The default base is NVIDIA's compiler on Ubuntu 24.04, by a whole version or a digest: no tag that moves."""
    (base,) = [line.split("=", 1)[1] for line in instructions("ARG") if line.startswith("BASE_IMAGE=")]
    assert re.fullmatch(r"nvidia/cuda(:\d+\.\d+\.\d+-devel-ubuntu24\.04|@sha256:[0-9a-f]{64})", base)
    assert instructions("FROM") == ["${BASE_IMAGE}"]


def test_everything_copied_is_there() -> None:
    """What COPY names exists and reaches the build."""
    sources = [word for line in instructions("COPY") for word in shlex.split(line)[:-1] if not word.startswith("--")]
    assert "." in sources  # all that .dockerignore lets in
    named = [source for source in sources if source != "."]
    assert [source for source in named if not (ROOT / source).is_file() or not in_context(source)] == []


def test_what_it_runs_is_in_the_image() -> None:
    """The entry point and the health check start a file that is there; the user is not root."""
    started = [
        json.loads(line[line.index("[") :]) for name in ("ENTRYPOINT", "HEALTHCHECK") for line in instructions(name)
    ]
    paths = [
        word.removeprefix("/opt/grader/") for words in started for word in words if word.startswith("/opt/grader/")
    ]
    assert len(paths) == 2
    assert [path for path in paths if not (ROOT / path).is_file() or not in_context(path)] == []
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_reports_are_those_of_the_grader() -> None:
    """The entry point hands over every report that `grade` writes, the decisive one last."""
    assert script("entrypoint").REPORTS == grading.REPORTS


# -- .dockerignore --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "reference/src/ndarray_backend_cpu.cc",
        "student/build/release/module.o",
        "student/data/ptb/train.txt",
        "student/python/needle/backend_ndarray/ndarray_backend_cpu.cpython-311-x86_64-linux-gnu.so",
        ".git/config",
        ".venv/bin/python",
        "out/alice/grade.json",
        "dist/hw4-student.zip",
        "build/cache/x/module",
        "keys.csv",
        "privkey.pem",
        ".env",
        "gradebook.sqlite3",
        "data/ptb/train.txt",
        "tests/submissions/toy/good/toy.py",
        "tests/harness/test_cli.py",
        "grader/server/serve.py",
        "grader/__pycache__/cli.cpython-311.pyc",
        "docker/build_image.py",
        "shared/design/DESIGN.md",
    ],
)
def test_stays_out_of_the_image(path: str) -> None:
    """No solution, key, grade, history or leftover can reach the image: none of these is sent to the build."""
    assert not in_context(path)


def test_the_suite_and_the_engine_are_in_the_image() -> None:
    """Every file of suite, starter and engine, less the server, reaches the build."""
    listed = subprocess.run(
        ["git", "ls-files", "grader", "tests/hw4", "student"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(listed) > 80
    missing = [path for path in listed if not in_context(path)]
    assert {path.split("/")[1] for path in missing} == {"server"}


# -- the workflow ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    """.github/workflows/grade.yml."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is in the course's environment only")
    found: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "grade.yml").read_text())
    return found


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    """The steps of all its jobs."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_workflow_may_only_read(workflow: dict[Any, Any]) -> None:
    """It gets no right but to read the repository, and no secret."""
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert "secrets." not in json.dumps(workflow, default=str)
    assert "pull_request_target" not in workflow[True]  # YAML's `on`


def test_actions_are_pinned(workflow: dict[Any, Any]) -> None:
    """Each action is named by a commit: a tag can be moved."""
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name)] == []


def test_scripts_of_the_workflow_are_shell(workflow: dict[Any, Any]) -> None:
    """bash can parse them, and nothing that somebody types is pasted into them."""
    scripts = [step["run"] for step in steps(workflow) if "run" in step]
    assert any("-m grader grade" in text for text in scripts)
    for text in scripts:
        assert "${{" not in text
        assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0


def test_workflow_grades_without_a_gpu_unless_told(workflow: dict[Any, Any]) -> None:
    """On GitHub's own machine by default; the device is chosen by what is there."""
    job = workflow["jobs"]["grade"]
    assert job["runs-on"].endswith("|| inputs.runner || vars.GRADER_RUNNER || 'ubuntu-24.04' }}")
    assert "--device auto" in json.dumps(job)
    assert "summary.md" in json.dumps(job)
    assert "GITHUB_STEP_SUMMARY" in json.dumps(job)
