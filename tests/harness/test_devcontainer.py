"""The development container and the editor's settings: well-formed, and all that they name is there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTAINER, SETTINGS = ROOT / ".devcontainer" / "devcontainer.json", ROOT / ".vscode" / "settings.json"

# Of the development containers' specification (containers.dev/implementors/json_reference): what a file with an image
# may say, and the types of the values.
COMMAND = (str, list, dict)
KNOWN: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "image": str,
    "forwardPorts": list,
    "portsAttributes": dict,
    "containerEnv": dict,
    "remoteEnv": dict,
    "remoteUser": str,
    "containerUser": str,
    "features": dict,
    "hostRequirements": dict,
    "customizations": dict,
    "mounts": list,
    "runArgs": list,
    "init": bool,
    "initializeCommand": COMMAND,
    "onCreateCommand": COMMAND,
    "updateContentCommand": COMMAND,
    "postCreateCommand": COMMAND,
    "postStartCommand": COMMAND,
    "postAttachCommand": COMMAND,
    "waitFor": str,
}


def with_comments(file: Path) -> Any:
    """JSON in which whole lines may be comments, as VS Code writes it."""
    return json.loads(re.sub(r"^\s*//.*$", "", file.read_text(), flags=re.M))


@pytest.fixture
def container() -> dict[str, Any]:
    """devcontainer.json."""
    found = with_comments(CONTAINER)
    assert isinstance(found, dict)
    return found


def test_container_keeps_to_the_specification(container: dict[str, Any]) -> None:
    """Only keys that the specification knows, each with a value of its type."""
    assert set(container) <= set(KNOWN)
    for key, value in container.items():
        assert isinstance(value, KNOWN[key]), key
    needs = container["hostRequirements"]
    assert set(needs) <= {"cpus", "memory", "storage", "gpu"}
    assert all(re.fullmatch(r"\d+(tb|gb|mb|kb)", needs[key]) for key in ("memory", "storage"))
    assert all(re.fullmatch(r"[\w-]+\.[\w-]+", name) for name in container["customizations"]["vscode"]["extensions"])


def test_container_needs_no_gpu(container: dict[str, Any]) -> None:
    """One is passed in where there is one; nothing demands it."""
    assert container["hostRequirements"]["gpu"] == "optional"
    assert "--gpus" not in container.get("runArgs", [])


def test_containers_python_is_one_that_the_course_supports(container: dict[str, Any]) -> None:
    """The image names its Python, and that is new enough."""
    version = re.search(r"/python:(\d+)\.(\d+)", container["image"])
    assert version is not None
    assert (3, 10) <= tuple(map(int, version.groups())) <= (3, 13)


def test_containers_command_can_be_run(container: dict[str, Any]) -> None:
    """Every target that it makes exists: make plans it without doing anything."""
    program, *targets = container["onCreateCommand"].split()
    assert program == "make"
    assert targets
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", *targets], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "-m venv" in done.stdout
    assert "requirements-notebook.lock" in done.stdout


def test_containers_path_is_where_make_installs(container: dict[str, Any]) -> None:
    """A terminal's python3 is that of .venv."""
    assert container["remoteEnv"]["PATH"].startswith("${containerWorkspaceFolder}/.venv/bin:")
    assert "VENV := .venv" in (ROOT / "Makefile").read_text()


def test_container_opens_what_is_there(container: dict[str, Any]) -> None:
    """The notebook that a student begins with."""
    for name in container["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / name).is_file(), name


def test_editor_completes_from_folders_that_are_there() -> None:
    """Completion finds needle, its stubs and the apps."""
    settings = with_comments(SETTINGS)
    folders = [ROOT / name for name in settings["python.analysis.extraPaths"]]
    assert all(folder.is_dir() for folder in folders)
    assert {"needle", "apps"} <= {item.name for folder in folders for item in folder.iterdir()}
    assert settings["python.defaultInterpreterPath"] == "${workspaceFolder}/.venv/bin/python"
