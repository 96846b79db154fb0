"""Build the image with what this machine has: docker where a daemon answers, else buildah or podman. `make image`.

What this machine tells its own pip (indexes, folders with wheels, certificates) holds in the build too, and stays out
of the image. Needs nothing but Python's standard library. Exit status: the engine's, or 2 where there is none.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TAG = "needle-grader"

_PATIENCE = 20  # seconds for a daemon to answer: a socket that nobody serves any more would hang for ever
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_INDEXES = ("index-url", "extra-index-url", "find-links", "trusted-host", "no-index", "timeout", "retries")
_CERTIFICATES = "/run/secrets/ca.crt"  # where the Dockerfile mounts them


@dataclass(frozen=True)
class Engine:
    """A program that builds images."""

    name: str  # "docker", "buildah", "podman"
    options: tuple[str, ...] = ()  # before its command: where it keeps images

    @property
    def own(self) -> bool:
        """Whether it builds in processes of its own, which see this machine's folders. Docker's daemon does not."""
        return self.name != "docker"

    def command(self, *words: str) -> list[str]:
        """The engine's command line."""
        return [self.name, *self.options, *words]


def find_engine() -> Engine | None:
    """The engine to build with; None where this machine has none."""
    if shutil.which("docker") and _answers(["docker", "version", "--format", "{{.Server.Version}}"]):
        return Engine("docker")
    return next((Engine(name) for name in ("buildah", "podman") if shutil.which(name)), None)


def build_image(engine: Engine, tag: str, base: str | None = None) -> int:
    """Build the image of this checkout as `tag`, on `base` (default: the Dockerfile's). Returns the exit status."""
    command = engine.command("build", "--tag", tag, "--file", str(ROOT / "Dockerfile"))
    if base:
        command += ["--build-arg", f"BASE_IMAGE={base}"]
    if engine.own:
        # chroot: the build needs no namespaces, which a container does not get. docker's format: only it knows a health
        # check. Layers: a second build starts from the first one's; but vfs copies the whole image for each.
        layers = "false" if "vfs" in engine.options else "true"
        command += ["--isolation", "chroot", "--format", "docker", f"--layers={layers}"]
    else:
        # The others pass them by themselves.
        command += [f"--build-arg={name}" for name in _PROXIES if name in os.environ]
    with pip_options(engine, pip_settings()) as options:
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}  # the older builder knows no secrets
        return subprocess.run([*command, *options, str(ROOT)], env=environment, check=False).returncode


def pip_settings() -> dict[str, str]:
    """What this machine's pip is told by its files and the environment: "index-url" -> value; empty without pip."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    found: dict[str, str] = {}
    lines = re.findall(r"^(\S+)\.([\w-]+)='(.*)'$", done.stdout, re.MULTILINE)
    for source, name, value in sorted(lines, key=lambda line: line[0] == ":env:"):  # the environment has the last word
        if source in ("global", "install", ":env:"):
            found[name] = value
    return found


@contextlib.contextmanager
def pip_options(engine: Engine, settings: Mapping[str, str]) -> Iterator[list[str]]:
    """Options for a build by which pip in the image is told what it is told here."""
    lines = ["[global]", *(f"{name} = {settings[name]}" for name in _INDEXES if name in settings)]
    options: list[str] = []
    certificates = settings.get("cert", "")
    if Path(certificates).is_file():
        lines.append(f"cert = {_CERTIFICATES}")
        options += ["--secret", f"id=ca.crt,src={certificates}"]
    for folder in local_folders(settings):
        if engine.own:
            options += ["--volume", f"{folder}:{folder}:ro"]
        else:
            print(f"pip's folder {folder} is on this machine only, and docker's daemon cannot see it", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="image-pip-") as name:
        file = Path(name) / "pip.conf"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield [*options, "--secret", f"id=pip.conf,src={file}"]


def local_folders(settings: Mapping[str, str]) -> list[str]:
    """The folders of this machine that pip needs for its settings; of an index also the files beside its pages."""
    words = [word for name in _INDEXES for word in settings.get(name, "").split()]
    paths = [Path(word.removeprefix("file://")) for word in words if word.startswith(("/", "file:///"))]
    return sorted({str(path.parent if path.name == "simple" else path) for path in paths if path.is_dir()})


def _answers(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def main() -> int:
    """Build, and say how to run what was built."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--tag", default=TAG)
    parser.add_argument("--base", help="the base image; default: the Dockerfile's")
    options = parser.parse_args()
    engine = find_engine()
    if engine is None:
        print(
            "error: no docker daemon answers, and neither buildah nor podman is installed; install one "
            "(Debian, Ubuntu: `sudo apt-get install docker.io` or `sudo apt-get install podman`).",
            file=sys.stderr,
        )
        return 2
    status = build_image(engine, options.tag, options.base or None)
    if status == 0:
        runner = "docker" if engine.name == "docker" else "podman"
        print(f"{options.tag} is built. Grade a tree with\n  mkdir -p out")
        print(f'  {runner} run --rm --network none --user "$(id -u):$(id -g)" \\')
        print(f'    -v "$PWD/student:/submission:ro" -v "$PWD/out:/out" {options.tag}')
    return status


if __name__ == "__main__":
    sys.exit(main())
