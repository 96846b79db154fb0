"""The doctor: it finds what is there, names what is not with a remedy, and does not break on a broken machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader import devices, remedies, toolchain
from grader.assignment import Assignment
from grader.doctor import Finding, disk, examine, gpus, machine, packages, render


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
    for words in ("apt-get install g++", "Ubuntu", "WSL", "xcode-select --install"):
        assert words in finding.remedy


def test_compiler_that_cxx_names_may_be_gone(toy: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then no package helps, but another value of CXX."""
    monkeypatch.setenv("CXX", "/nowhere/g++")
    finding = found(toy, "C++ compiler")
    assert finding.found == "CXX names /nowhere/g++, which is not there"
    assert "unset CXX" in finding.remedy


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
    version = packages.version
    monkeypatch.setattr(packages, "version", lambda package: None if package == name else version(package))
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


NO_DRIVER = devices.Gpus((), "", "no nvidia-smi", installed=False)


@pytest.mark.parametrize(
    ("found_gpus", "plugged_in", "compiler", "gpu", "nvcc"),
    [
        pytest.param(NO_DRIVER, False, None, ("ok", "none, and none is needed"), ("ok", ""), id="no GPU"),
        pytest.param(NO_DRIVER, True, None, ("warn", "nvidia-driver"), ("ok", ""), id="GPU without a driver"),
        pytest.param(NO_DRIVER, False, "nvcc", ("warn", "where there is one, its driver"), ("ok", ""), id="only nvcc"),
        pytest.param(
            devices.Gpus((), "", "none"), True, "nvcc", ("warn", "finds no GPU"), ("ok", ""), id="only driver"
        ),
        pytest.param(
            devices.Gpus(("H200",), "570.1", None),
            True,
            None,
            ("ok", "H200"),
            ("warn", "nvidia-cuda-toolkit"),
            id="no nvcc",
        ),
    ],
)
def test_what_a_gpu_lacks_is_told_apart(
    found_gpus: devices.Gpus,
    plugged_in: bool,
    compiler: str | None,
    gpu: tuple[str, str],
    nvcc: tuple[str, str],
    toy: Assignment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No GPU, no driver, no device and no compiler have a remedy each, and none of them stops grading."""
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: found_gpus)
    monkeypatch.setattr(devices, "cuda_compiler", lambda: compiler)
    monkeypatch.setattr(gpus, "plugged_in", lambda: plugged_in)
    monkeypatch.setattr(toolchain, "version_text", lambda program: "Cuda compilation tools, release 13.0")
    for name, (status, words) in (("NVIDIA GPU", gpu), ("CUDA compiler", nvcc)):
        finding = found(toy, name)
        assert finding.status == status
        assert words in f"{finding.found} {finding.remedy}"


@pytest.mark.parametrize(
    ("vendor", "kind", "expected"),
    [("0x10de", "0x030200", True), ("0x10de", "0x040300", False), ("0x1af4", "0x030000", False)],
)
def test_gpu_is_found_without_its_driver(
    vendor: str, kind: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux lists what is plugged in: a display or compute device of NVIDIA's counts, its sound device does not."""
    (tmp_path / "0000:01:00.0").mkdir()
    (tmp_path / "0000:01:00.0" / "vendor").write_text(f"{vendor}\n")
    (tmp_path / "0000:01:00.0" / "class").write_text(f"{kind}\n")
    (tmp_path / "0000:02:00.0").mkdir()
    monkeypatch.setattr(gpus, "_PCI", tmp_path)
    assert gpus.plugged_in() is expected


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
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: NO_DRIVER)
    monkeypatch.setattr(devices, "cuda_compiler", lambda: None)
    assert "`--device gpu-sim` runs its cases on the CPU" in found(simulating, "NVIDIA GPU").found


class TestDataSets:
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEEDLE_DATA", str(tmp_path))

    def test_none_is_a_warning(self, toy: Assignment, tmp_path: Path) -> None:
        """An empty folder is told, with both ways to fill it."""
        finding = found(toy, "data sets")
        assert finding.status == "warn"
        assert "`make data`" in finding.remedy
        assert "`make data SYNTHETIC=1`" in finding.remedy

    def test_real_ones_are_named(self, toy: Assignment, tmp_path: Path) -> None:
        """Whatever else lies beside them."""
        for name in ("ptb", "synthetic", "downloads", ".ptb-x"):
            (tmp_path / name).mkdir()
        assert found(toy, "data sets").found == f"ptb in {tmp_path}"

    def test_synthetic_ones_are_told_from_real_ones(self, toy: Assignment, tmp_path: Path) -> None:
        """Made-up sets run every cell, and are no data to be proud of."""
        (tmp_path / "synthetic" / "ptb").mkdir(parents=True)
        finding = found(toy, "data sets")
        assert finding.status == "warn"
        assert "only synthetic ones" in finding.found

    def test_download_that_was_cut_off_is_told(self, toy: Assignment, tmp_path: Path) -> None:
        """What has arrived is not a set yet."""
        (tmp_path / "downloads").mkdir()
        (tmp_path / "downloads" / "cifar-10-python.tar.gz.part").touch()
        assert "goes on where it stopped" in found(toy, "data sets").remedy


@pytest.mark.parametrize(
    ("folder", "status"), [("/mnt/c/Users/me/hw4", "warn"), ("/home/me/hw4", "ok"), ("/mntx/hw4", "ok")]
)
def test_folder_of_windows_is_a_warning_in_wsl(
    folder: str, status: str, toy: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of Windows are slow to reach from WSL; its own folders are fine."""
    monkeypatch.setattr(remedies, "system", lambda: "wsl")
    monkeypatch.setattr(machine, "_ROOT", Path(folder))
    finding = found(toy, "system")
    assert finding.status == status
    assert "in WSL" in finding.found


def test_full_disk_is_a_warning(toy: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a build or a download runs into it."""
    monkeypatch.setattr(disk, "_ROOM", 1 << 62)
    finding = found(toy, "disk")
    assert (finding.status, "make clean" in finding.remedy) == ("warn", True)


def test_old_python_is_missing(toy: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that is too old is named with what is expected."""
    monkeypatch.setattr(packages, "OLDEST_PYTHON", (3, 99))
    finding = found(toy, "Python")
    assert (finding.status, "expected 3.99 or later" in finding.found) == ("missing", True)


def test_report_fits_a_screen(toy: Assignment) -> None:
    """Where nothing is missing: at most 30 lines."""
    assert len(render(examine(toy)).splitlines()) <= 30


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

    monkeypatch.setattr(machine, "memory_bytes", broken)
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
