"""The doctor: it finds what is there, names what is not with a remedy, and does not break on a broken machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader import devices, doctor, toolchain
from grader.assignment import Assignment
from grader.doctor import Finding, examine, render


def found(assignment: Assignment, name: str) -> Finding:
    """The finding of that name."""
    (finding,) = [finding for finding in examine(assignment) if finding.name == name]
    return finding


def test_machine_that_runs_these_tests_can_grade(toy: Assignment) -> None:
    """Nothing is missing where the harness's tests run, and every finding says what it found."""
    findings = examine(toy)
    assert [finding for finding in findings if finding.status == "missing"] == []
    assert all(finding.found for finding in findings)
    assert all(bool(finding.remedy) == (finding.status != "ok") for finding in findings)


def test_every_thing_of_the_list_is_examined(toy: Assignment) -> None:
    """The report has a line for everything that grading can need."""
    names = {finding.name for finding in examine(toy)}
    assert names >= {
        "Python",
        "C++ compiler",
        "Python.h",
        "cmake",
        "ninja",
        "pybind11",
        "numpy",
        "torch",
        "sandbox none",
    }
    assert names >= {"pytest plugins", "memory", "cores", "NVIDIA GPU", "CUDA compiler", "data sets", "build cache"}


def test_missing_compiler_has_remedies_for_each_system(toy: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a C++ compiler the finding says how to get one on each system."""
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    finding = found(toy, "C++ compiler")
    assert finding.status == "missing"
    for words in ("Debian", "Ubuntu", "WSL", "macOS"):
        assert words in finding.remedy


def test_compiler_that_cannot_compile_is_missing(
    toy: Assignment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A compiler that is there but does not compile C++17 counts as none, with its own words."""
    compiler = tmp_path / "c++"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ] && echo old 1.0 && exit\necho unknown standard >&2; exit 1\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    finding = found(toy, "C++ compiler")
    assert finding.status == "missing"
    assert finding.found == f"old 1.0 at {compiler} cannot compile C++17: unknown standard"


@pytest.mark.parametrize("name", ["numpy", "torch", "pytest", "pytest-json-report"])
def test_missing_package_is_named(name: str, toy: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python package that is not there comes with the command that installs it into this Python."""
    version = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == name else version(package))
    finding = found(toy, "pytest plugins" if name == "pytest-json-report" else name)
    assert finding.status == "missing"
    assert f"{sys.executable} -m pip install {name}" in finding.remedy


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("Python.h", "python_headers", lambda: None),
        ("pybind11", "pybind11_home", lambda: None),
        ("cmake", "tool", lambda name: None),
        ("ninja", "tool", lambda name: None),
        ("cmake", "version_text", lambda program: "cmake version 3.5.1"),
        ("cmake", "version_text", lambda program: ""),
    ],
)
def test_missing_tool_has_a_remedy(
    name: str, attribute: str, value: object, toy: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tool of the build that is not there, or too old, is missing, with its remedy."""
    monkeypatch.setattr(toolchain, attribute, value)
    finding = found(toy, name)
    assert (finding.status, finding.remedy) == ("missing", toolchain.REMEDIES[name])


@pytest.mark.parametrize(
    ("gpus", "compiler", "gpu_says", "compiler_says"),
    [
        (devices.Gpus((), "", "no nvidia-smi", installed=False), "/bin/nvcc", "but no driver", ""),
        (devices.Gpus((), "", "no nvidia-smi", installed=False), None, "nothing to mend", ""),
        (devices.Gpus((), "", "no device"), "/bin/nvcc", "finds no GPU", ""),
        (devices.Gpus(("H200",), "570.1", None), None, "", "nvidia-cuda-toolkit"),
    ],
)
def test_what_a_gpu_lacks_is_told_apart(
    gpus: devices.Gpus,
    compiler: str | None,
    gpu_says: str,
    compiler_says: str,
    toy: Assignment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No driver, no device and no compiler are three things with three remedies, and none of them stops grading."""
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: gpus)
    monkeypatch.setattr(devices, "cuda_compiler", lambda: compiler)
    monkeypatch.setattr(toolchain, "version_text", lambda program: "Cuda compilation tools, release 13.0")
    assert gpu_says in found(toy, "NVIDIA GPU").remedy
    assert compiler_says in found(toy, "CUDA compiler").remedy
    assert "missing" not in {found(toy, "NVIDIA GPU").status, found(toy, "CUDA compiler").status}


def test_simulated_device_is_examined(simulating: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs a compiler; without addr2line it works, and names no lines."""
    tools = {"addr2line": "/usr/bin/addr2line"}
    monkeypatch.setattr("shutil.which", lambda name, **_: tools.get(name))
    monkeypatch.setattr(toolchain, "cxx_compiler", lambda: "c++")
    assert found(simulating, "gpu-sim").status == "ok"
    tools.clear()
    finding = found(simulating, "gpu-sim")
    assert (finding.status, "apt-get install binutils" in finding.remedy) == ("warn", True)
    monkeypatch.setattr(toolchain, "cxx_compiler", lambda: None)
    finding = found(simulating, "gpu-sim")
    assert (finding.status, finding.remedy) == ("missing", toolchain.REMEDIES["C++ compiler"])


def test_absent_gpu_points_to_its_simulator(simulating: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no GPU is told what runs the same file."""
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: devices.Gpus((), "", "no nvidia-smi", installed=False))
    monkeypatch.setattr(devices, "cuda_compiler", lambda: None)
    assert "and `--device gpu-sim` runs them on the CPU" in found(simulating, "NVIDIA GPU").remedy


def test_data_sets_are_found(toy: Assignment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder that NEEDLE_DATA names is looked into; an empty one is a warning."""
    monkeypatch.setenv("NEEDLE_DATA", str(tmp_path))
    assert found(toy, "data sets").status == "warn"
    (tmp_path / "ptb").mkdir()
    assert found(toy, "data sets").found == f"ptb in {tmp_path}"


def test_cache_that_cannot_be_written_is_a_warning(
    toy: Assignment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Grading works without a cache, and the finding names the variable that moves it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "file" / "cache"))
    finding = found(toy, "build cache")
    assert finding.status == "warn"
    assert "GRADER_CACHE" in finding.remedy


def test_plugin_that_reorders_cases_is_a_warning(toy: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that shuffles cases or reseeds between them is found, with the command that removes it."""

    class Entry:
        class dist:
            name = "pytest-randomly"

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry])
    assert "pip uninstall pytest-randomly" in found(toy, "pytest plugins").remedy


def test_check_that_breaks_is_told(toy: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor goes on when a check of its own fails, for it is the command for broken machines."""

    def broken() -> int:
        raise PermissionError("not for you")

    monkeypatch.setattr(doctor, "_memory_bytes", broken)
    assert found(toy, "memory").found == "cannot be examined: PermissionError: not for you"


def test_nothing_heavy_is_imported() -> None:
    """Importing the doctor does not import PyTorch or NumPy: it must run where they are broken."""
    code = "import sys, grader.doctor; print(sorted({'torch', 'numpy', 'pybind11', 'cmake'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("statuses", "last"),
    [
        (["ok"], "Grading works here, with all that it can use."),
        (["ok", "warn"], "Grading works here, but see: thing 1."),
        (["missing", "warn", "missing"], "Grading does not work here yet: thing 0, thing 2."),
    ],
)
def test_report_sums_up(statuses: list[str], last: str) -> None:
    """The report shows every finding with its remedy, and its last line says whether grading works."""
    findings = [
        Finding(f"thing {i}", status, "what is there", "" if status == "ok" else f"do {i}")  # type: ignore[arg-type]
        for i, status in enumerate(statuses)
    ]
    lines = render(findings).splitlines()
    assert lines[-1] == last
    for finding in findings:
        assert any(finding.status in line and finding.name in line and finding.found in line for line in lines)
        assert not finding.remedy or any(line.strip() == f"-> {finding.remedy}" for line in lines)
