"""What the harness's tests share: the toy assignment, and its submissions laid over the good one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.assignment import Assignment, load_assignment

ROOT = Path(__file__).resolve().parents[2]
TOY = ROOT / "tests" / "submissions" / "toy"
sys.path.append(str(ROOT / "tests"))  # the package of tests/proof; last, so that it hides nothing


@pytest.fixture(scope="session")
def toy() -> Assignment:
    """The toy assignment."""
    return load_assignment(TOY / "assignment")


@pytest.fixture(scope="session")
def simulating(toy: Assignment) -> Assignment:
    """The toy assignment with one more device, which runs the CUDA of `gpu` on the CPU."""
    return replace(toy, devices=replace(toy.devices, known=("cpu", "gpu", "gpu-sim"), simulates={"gpu-sim": "gpu"}))


def lay_over(name: str, destination: Path) -> Path:
    """The toy's submission `name` as a whole tree: its files over those of the good one."""
    ignored = shutil.ignore_patterns("expected.toml", "__pycache__")
    overlay, about = TOY / name, TOY / name / "expected.toml"
    if not (about.exists() and "whole = true" in about.read_text()):
        shutil.copytree(TOY / "good", destination, ignore=ignored)
    shutil.copytree(overlay, destination, ignore=ignored, dirs_exist_ok=True)
    return destination


@pytest.fixture(scope="session")
def migrated_cluster() -> Iterator[Any]:
    """A PostgreSQL of our own, and the name of a migrated database in it."""
    from servers import running_cluster

    with running_cluster() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """An empty, migrated database: a test that asks for it runs on SQLite and on PostgreSQL."""
    from servers import opened

    with opened(request.param, tmp_path, request) as found:
        yield found


@pytest.fixture
def course(database: Any) -> Any:
    """The course of servers.py, in either database."""
    from servers import set_up

    return set_up(database)


@pytest.fixture(scope="session")
def server_socket() -> Iterator[Any]:
    """A real uvicorn that each test gives its own application to: starting and stopping one takes half a second."""
    from servers import Socket

    socket = Socket()
    socket.start()
    yield socket
    socket.stop()


@pytest.fixture
def live_server(course: Any, server_socket: Any) -> Any:
    """A real server over the course."""
    from servers import live

    return live(server_socket, course)
