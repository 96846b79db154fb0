"""docker or podman: which one is here, whether it works, and one command of it."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError, UsageError

SETTING = "GRADER_CONTAINER_ENGINE"  # environment variable: podman, docker, or a path that ends in one of these
_KNOWN = ("podman", "docker")  # in the order in which they are tried: podman needs no daemon, and no rights
_PATIENCE = 60.0  # seconds for a command of the engine: most take 0.05 s; a daemon may have to be started first
_REPOSITORY = "localhost/grader-box"  # of images; "localhost" keeps any engine from asking a registry for it


@dataclass(frozen=True)
class Engine:
    """A container engine."""

    program: str  # its path

    @property
    def is_podman(self) -> bool:
        """Whether it is podman; else it is docker."""
        return Path(self.program).name.startswith("podman")

    def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """What a command of it prints. Raises GraderError with its own words."""
        try:
            done = subprocess.run(
                [self.program, *arguments], input=stdin, capture_output=True, timeout=_PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            raise GraderError(f"`{self.program} {arguments[0]}` has not ended after {_PATIENCE:g} s.") from None
        except OSError as error:
            raise GraderError(f"{self.program} could not be started: {error.strerror}.") from None
        if done.returncode != 0:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it printed nothing"]
            raise GraderError(f"`{self.program} {arguments[0]}` failed with status {done.returncode}: {lines[-1]}")
        return done.stdout.decode("utf-8", "replace").strip()

    def image(self, links: Sequence[tuple[str, str]]) -> str:
        """The name of an image with nothing in it but these links (where, what it says); made when it is not there.

        Nothing is fetched: the image is imported from an archive that is made here.
        """
        name = f"{_REPOSITORY}:{hashlib.sha256(repr(sorted(links)).encode()).hexdigest()[:16]}"
        try:
            self.run("image", "inspect", "--format", "{{.Id}}", name)
        except GraderError:
            self.run("import", "-", name, stdin=_archive(links))
        return name


def engines() -> list[Engine]:
    """What is installed, the one to be tried first at the front. Raises UsageError for a setting that names none."""
    wanted = os.environ.get(SETTING)
    if wanted is None:
        return [Engine(found) for name in _KNOWN if (found := shutil.which(name)) is not None]
    found = shutil.which(wanted)
    if found is None or not Path(wanted).name.startswith(_KNOWN):
        raise UsageError(f"{SETTING} has value {wanted!r}; expected podman or docker, or the path of one of them.")
    return [Engine(found)]


def remedy(told: str) -> str:
    """What to do about an engine's words."""
    lowered = told.lower()
    if "permission denied" in lowered and "sock" in lowered:
        return "this user may not talk to docker: add it to the group docker (which is as good as root), or use podman"
    if "daemon" in lowered:
        return "start it (`systemctl start docker`), or use podman, which needs none"
    if "subuid" in lowered or "uid_map" in lowered or "newuidmap" in lowered:
        return (
            "give this user a range of numbers in /etc/subuid and /etc/subgid, install uidmap, `podman system migrate`"
        )
    if "did not limit" in lowered:
        return "without root, podman limits under cgroup version 2 only, in a session of systemd's; run it as root"
    return "see whether the engine runs any container at all"


def _archive(links: Sequence[tuple[str, str]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for place, target in sorted(links):
            entry = tarfile.TarInfo(place.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return buffer.getvalue()
