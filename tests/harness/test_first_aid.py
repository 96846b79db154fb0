"""What make asks before anything is installed, with any Python: what is missing, and the command that mends it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from grader import first_aid, remedies

ROOT = Path(__file__).resolve().parents[2]
THINGS = tuple(remedies._COMMANDS)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a compiler, where somebody is who is not root; gives the only folder on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


def names(found: list[tuple[str, str, str]]) -> list[str]:
    """What is missing."""
    return [name for name, _, _ in found]


def executable(file: Path) -> None:
    """A program that does nothing."""
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)


def test_machine_that_runs_these_tests_lacks_nothing() -> None:
    """No output and exit status 0: make goes on."""
    done = subprocess.run(
        [sys.executable, "-m", "grader.first_aid"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_all_that_is_missing_is_mended_by_one_command(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a bare Debian: no compiler, no venv, no headers, one apt-get."""
    monkeypatch.setattr(first_aid, "_has", lambda module: module != "ensurepip")
    monkeypatch.setattr(first_aid, "_python_headers", lambda: False)
    found = first_aid.faults("debian", str(bare))
    assert names(found) == ["venv", "C++ compiler", "Python.h"]
    told = first_aid.report(found, "debian").splitlines()
    python = "python{}.{}".format(*sys.version_info[:2])
    assert told[0] == "Nothing can be installed here yet:"
    assert told[1].endswith("cannot make virtual environments: it lacks ensurepip")
    assert told[-1] == f"  sudo apt-get install {python}-venv g++ {python}-dev"


def test_old_python_comes_with_a_newer_one_that_is_here(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where python3 is too old, and python3.12 is there too, that is the shortest way."""
    monkeypatch.setattr(first_aid.sys, "version_info", (3, 8, 18, "final", 0))
    executable(bare / "c++")
    found = first_aid.faults("ubuntu", str(bare))
    assert names(found) == ["Python"]
    assert "uv python install 3.12" in first_aid.report(found, "ubuntu")
    executable(bare / "python3.12")
    assert "add PYTHON=python3.12 to each make command" in first_aid.report(found, "ubuntu")


def test_compiler_may_be_named_by_cxx(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CXX may be a path, and may begin with ccache."""
    executable(bare / "mine")
    monkeypatch.setenv("CXX", f"ccache {bare / 'mine'}")
    assert "C++ compiler" not in names(first_aid.faults("debian", str(bare)))
    monkeypatch.setenv("CXX", "nowhere")
    assert ("C++ compiler", "none of nowhere is on PATH", "C++ compiler") in first_aid.faults("debian", str(bare))


def test_headers_are_looked_for_in_this_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Debian's Python comes without; the modules could not be compiled."""
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    assert "Python.h" in names(first_aid.faults("debian", str(tmp_path)))
    (tmp_path / "Python.h").touch()
    assert "Python.h" not in names(first_aid.faults("debian", str(tmp_path)))


def test_full_disk_is_said_before_it_is_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PyTorch alone takes 0.8 GB; pip would say so after minutes, in its own words."""
    monkeypatch.setattr(first_aid, "NEEDED_MB", 10**12)
    found = first_aid.faults("debian", str(tmp_path))
    assert names(found) == ["disk"]
    assert "Free some space" in first_aid.report(found, "debian")


def test_windows_is_sent_to_wsl(tmp_path: Path) -> None:
    """Nothing else is looked at."""
    found = first_aid.faults("windows", str(tmp_path))
    assert (
        first_aid.report(found, "windows").splitlines()[-1].startswith("What to do: work inside WSL: `wsl --install`")
    )


def test_unknown_system_gets_everybodys_commands(bare: Path) -> None:
    """A Linux that is none of those known by name."""
    told = first_aid.report([("C++ compiler", "none", "C++ compiler")], "linux")
    assert "Debian, Ubuntu, Windows (WSL): `sudo apt-get install g++`; macOS: `xcode-select --install`" in told


class TestRemedies:
    @pytest.fixture(autouse=True, params=[0, 1000], ids=["root", "user"])
    def user(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
        """Root, or somebody else."""
        monkeypatch.setattr(os, "geteuid", lambda: request.param)
        return int(request.param)

    @pytest.mark.parametrize("here", ["debian", "ubuntu", "wsl", "macos", "fedora", "arch", "linux", "windows"])
    @pytest.mark.parametrize("thing", THINGS)
    def test_everything_has_one_everywhere(self, thing: str, here: str) -> None:
        """Whatever is missing, wherever: there is something to do, and no command is said twice."""
        told = remedies.remedy(thing, here)
        commands = told.split("`")[1::2]
        assert told
        assert len(commands) == len(set(commands))

    def test_system_at_hand_comes_first(self) -> None:
        """The others are in brackets behind it."""
        assert remedies.remedy("C++ compiler", "macos").startswith("`xcode-select --install` (Debian, Ubuntu, ")
        assert remedies.remedy("NVIDIA driver", "wsl").startswith("install NVIDIA's driver in Windows, not in WSL")
        assert "macOS" not in remedies.remedy("C++ compiler", "macos")

    def test_root_needs_no_sudo(self, user: int) -> None:
        """A bare container has none; whoever is not root needs it."""
        assert ("sudo" in remedies.remedy("make", "ubuntu")) is (user != 0)
        assert ("sudo" in remedies.together(["make"], "ubuntu")[0]) is (user != 0)

    def test_mac_needs_two_commands_at_most(self) -> None:
        """What one command brings is said once."""
        found = remedies.together(["make", "C++ compiler", "venv", "Python.h"], "macos")
        assert found == ["xcode-select --install", "brew install python"]


@pytest.mark.parametrize(
    ("release", "kernel", "expected"),
    [
        ("ID=debian\n", "Linux version 6.1", "debian"),
        ("ID=ubuntu\nID_LIKE=debian\n", "Linux version 6.1", "ubuntu"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "Linux version 6.1", "ubuntu"),
        ("ID=ubuntu\nID_LIKE=debian\n", "Linux version 5.15-microsoft-standard-WSL2", "wsl"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "Linux version 6.1", "fedora"),
        ("ID=manjaro\nID_LIKE=arch\n", "Linux version 6.1", "arch"),
        ("ID=alpine\n", "Linux version 6.1", "linux"),
        ("", "", "linux"),
    ],
)
def test_systems_are_told_apart(
    release: str, kernel: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what /etc/os-release says, descendants included, and by the kernel in WSL."""
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "release").write_text(release)
    (tmp_path / "kernel").write_text(kernel)
    assert remedies.system(str(tmp_path / "release"), str(tmp_path / "kernel")) == expected


@pytest.mark.parametrize(("platform", "expected"), [("darwin", "macos"), ("win32", "windows")])
def test_mac_and_windows_are_known(platform: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what Python itself says."""
    monkeypatch.setattr(sys, "platform", platform)
    assert remedies.system() == expected


def test_old_pythons_can_read_it() -> None:
    """Both modules keep to the grammar of Python 3.6, or the too old Python would show a SyntaxError instead."""
    import ast

    for module in (first_aid, remedies):
        source = Path(module.__file__).read_text()
        ast.parse(source, feature_version=(3, 6))
        assert "from __future__ import annotations" not in source  # Python 3.7's
