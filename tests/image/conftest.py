"""The image, built once, and a way to run it as docs/docker.md does."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engines import ROOT, Runner, Unavailable, find_runner, forget, plain_base

IMAGE = "localhost/needle-grader:test"
STRANGER = "12345:6789"  # a user without a name, here and in the image
# As tight as docs/docker.md advises.
LOCKED = ("--network", "none", "--read-only", "--tmpfs", "/tmp:rw,exec", "--cap-drop", "ALL")
LOCKED += ("--security-opt", "no-new-privileges", "--memory", "3g", "--pids-limit", "256", "--user", STRANGER)


@dataclass(frozen=True)
class Graded:
    """What a container left."""

    status: int
    said: str
    out: Path

    @property
    def grade(self) -> dict[str, Any]:
        """grade.json."""
        found: dict[str, Any] = json.loads((self.out / "grade.json").read_text())
        return found


Grade = Callable[..., Graded]


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    """What runs containers here. IMAGE_TEST_STORAGE names a folder that keeps base and layers for the next time."""
    kept = os.environ.get("IMAGE_TEST_STORAGE")
    # Not in pytest's folder: podman takes no path of more than 50 characters.
    storage = Path(kept or tempfile.mkdtemp(prefix="image-", dir="/tmp"))
    try:
        found = find_runner(storage)
    except Unavailable as error:
        pytest.skip(f"the image is not tested: {error}")
    yield found
    if not kept:
        forget(found, storage)


@pytest.fixture(scope="session")
def image(runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of this checkout on a plain Debian."""
    try:
        base = plain_base(runner, tmp_path_factory.mktemp("base"))
    except Unavailable as error:
        pytest.skip(f"the image is not tested: {error}")
    if runner.build(IMAGE, base) != 0:
        pytest.fail("the image does not build; what the engine printed says why", pytrace=False)
    return IMAGE


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Options for a build cache that containers share: most trees here differ in their Python only."""
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o777)
    return ("-e", "GRADER_CACHE=/cache", "-v", f"{folder}:/cache")


@pytest.fixture
def grade(runner: Runner, image: str, cache: tuple[str, ...], tmp_path: Path) -> Grade:
    """Grade a tree in a container, under tight limits unless `options` has others: `grade(tree, *arguments)`."""

    def graded(tree: Path, *arguments: str, options: tuple[str, ...] = LOCKED) -> Graded:
        out = new_out(tmp_path)
        mounts = [*cache, "-v", f"{tree}:/submission:ro", "-v", f"{out}:/out"]
        return Graded(*contained(runner, image, [*options, *mounts], arguments), out)

    return graded


@pytest.fixture(scope="session")
def starter(runner: Runner, image: str, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """The starter's grade, by the shortest command there is."""
    out = new_out(tmp_path_factory.mktemp("starter"))
    mounts = ["-v", f"{ROOT / 'student'}:/submission:ro", "-v", f"{out}:/out"]
    return Graded(*contained(runner, image, mounts, []), out)


def contained(runner: Runner, image: str, options: Sequence[str], arguments: Sequence[str]) -> tuple[int, str]:
    """Run a container to its end: its exit status, and what it said."""
    # In a folder of its own: where memory runs out, podman's monitor leaves an empty file `oom` where it was started.
    with tempfile.TemporaryDirectory(prefix="needle-image-") as folder:
        done = subprocess.run(
            runner.container(image, options, arguments),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
    return done.returncode, done.stdout


def new_out(tmp_path: Path) -> Path:
    """A folder that any user in a container can write to."""
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    out.chmod(0o777)
    return out
