"""What builds and runs the image in its tests, with nothing of it left in the machine's own stores."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docker"))  # scripts and no package: `make image` works without .venv

from build_image import Engine, build_image, find_engine  # noqa: E402

DEBIAN = "debian:12"  # a plain base: NVIDIA's has several GB, and no test here has a GPU
_PULL_SECONDS, _BOOTSTRAP_SECONDS = 300, 900
_DRIVERS = ("overlay", "vfs")  # vfs copies 1.6 GB for every container, but works on any file system

# podman asks for 1048576 descriptors and processes, and a root without CAP_SYS_RESOURCE (in a container, on many CI
# machines) cannot raise its own limits.
_ULIMITS = ("--ulimit", "nofile=16384:16384", "--ulimit", "nproc=16384:16384")


class Unavailable(Exception):
    """What this machine lacks, so that nothing can be tested here."""


@dataclass(frozen=True)
class Runner:
    """How this machine builds images, and how it runs them."""

    builder: Engine
    program: tuple[str, ...]  # with the options before the command
    run_options: tuple[str, ...]

    def run(self, *words: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run the program; words: its command and all that follows. What it prints comes back as one text."""
        return subprocess.run(
            [*self.program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    def build(self, tag: str, base: str) -> int:
        """Build the image of this checkout as `make image` does. Returns the exit status."""
        return build_image(self.builder, tag, base)

    def container(self, image: str, options: Sequence[str], arguments: Sequence[str]) -> list[str]:
        """The command line that runs a container and removes it."""
        return [*self.program, "run", "--rm", *self.run_options, *options, image, *arguments]


def find_runner(storage: Path) -> Runner:
    """docker where a daemon answers, else buildah and podman with their images in `storage`; else Unavailable."""
    engine = find_engine()
    if engine is not None and engine.name == "docker":
        return Runner(engine, ("docker",), ())
    missing = [name for name in ("buildah", "podman", "runc") if shutil.which(name) is None]
    if missing:
        raise Unavailable(f"no docker daemon answers, and {', '.join(missing)} cannot be found")
    if os.getuid() != 0:
        raise Unavailable("no docker daemon answers, and buildah's chroot needs root")
    reasons = []
    for driver in _DRIVERS:
        kept, running = storage / driver, storage / f"{driver}-run"
        places = ("--root", str(kept), "--runroot", str(running), "--storage-driver", driver)
        done = _tell("buildah", *places, "from", "--name", f"trial-{driver}", "scratch")
        if done.returncode == 0:
            mounted = _tell("buildah", *places, "mount", f"trial-{driver}")
            _tell("buildah", *places, "rm", f"trial-{driver}")
            if mounted.returncode == 0:
                program = ("podman", *places, "--runtime", "runc", "--cgroup-manager", "cgroupfs")
                # A health check of podman's needs systemd; a test runs it by itself.
                return Runner(Engine("buildah", places), program, ("--no-healthcheck", *_ULIMITS))
            done = mounted
        reasons.append(f"{driver}: {done.stdout.strip()[-200:]}")
    raise Unavailable(f"buildah can keep no image here: {'; '.join(reasons)}")


def plain_base(runner: Runner, work: Path) -> str:
    """The name of a plain Debian image: pulled, else made by debootstrap. Raises Unavailable without that."""
    if name := os.environ.get("IMAGE_TEST_BASE"):
        return name
    bootstrapped = "localhost/debootstrap:12"
    if runner.run("image", "inspect", bootstrapped).returncode == 0:
        return bootstrapped  # in a storage that was kept
    pulled = runner.run("pull", "--quiet", f"docker.io/library/{DEBIAN}", timeout=_PULL_SECONDS)
    if pulled.returncode == 0:
        return f"docker.io/library/{DEBIAN}"
    if shutil.which("debootstrap") is None:
        why = pulled.stdout.strip()[-200:]
        raise Unavailable(f"{DEBIAN} cannot be pulled ({why}), and debootstrap is not installed")
    root, archive = work / "root", work / "root.tar"
    command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(root)]
    _must(*command, timeout=_BOOTSTRAP_SECONDS)
    _must("tar", "-C", str(root), "-cf", str(archive), ".")
    _must(*runner.program, "import", str(archive), bootstrapped)
    shutil.rmtree(root)
    archive.unlink()
    return bootstrapped


def forget(runner: Runner, storage: Path) -> None:
    """Remove what `find_runner` and the tests put into `storage`."""
    if runner.builder.own:
        _tell(*runner.builder.command("rm", "--all"))
        _tell(*runner.builder.command("rmi", "--all", "--force"))
        for driver in _DRIVERS:  # a driver mounts its folder onto itself
            _tell("umount", str(storage / driver / driver))
        shutil.rmtree(storage)


def _tell(*command: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False
    )


def _must(*command: str, timeout: float = 600) -> None:
    done = _tell(*command, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` ended with status {done.returncode}: {done.stdout.strip()[-500:]}")
