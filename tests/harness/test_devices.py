"""Which devices are there: asked of the machine, by scripts that stand in for its tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader import devices
from grader.assignment import Assignment
from grader.errors import UsageError

GPU = 'case "$1" in *compute_cap*) echo 9.0; echo 8.6; echo 9.0;; *) echo "NVIDIA H200, 570.1";; esac'


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """A machine with these tools and no other; a tool is a shell script."""

    def install(**tools: str) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("CUDACXX", raising=False)
        monkeypatch.setattr(devices, "_WSL_NVIDIA_SMI", "/nowhere")
        for name, script in tools.items():
            file = tmp_path / name.replace("_", "-")
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        forget()

    def forget() -> None:
        devices.nvidia_gpus.cache_clear()
        devices.cuda_architectures.cache_clear()

    yield install
    forget()


def test_device_without_cuda_is_always_there(toy: Assignment, machine: Callable[..., None]) -> None:
    """What is not compiled from CUDA needs nothing of the machine."""
    machine()
    assert devices.present(toy, "cpu") is None


def test_gpu_with_compiler_is_there(toy: Assignment, machine: Callable[..., None]) -> None:
    """A GPU, its driver and nvcc make the device usable; the kinds of GPU are told once each."""
    machine(nvidia_smi=GPU, nvcc="true")
    assert devices.present(toy, "gpu") is None
    assert devices.nvidia_gpus() == devices.Gpus(("NVIDIA H200",), "570.1", None)
    assert devices.cuda_architectures() == ("86", "90")


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ({"nvcc": "true"}, "no NVIDIA GPU: nvidia-smi is not there, so no driver is installed"),
        ({"nvidia_smi": "echo No devices were found; exit 6"}, "reports no device (No devices were found)"),
        ({"nvidia_smi": "exit 9"}, "reports no device (exit status 9)"),
        ({"nvidia_smi": "true"}, "nvidia-smi reports no device"),
        ({"nvidia_smi": "echo strange"}, "nvidia-smi reports no device"),
        ({"nvidia_smi": "exec sleep 600"}, "nvidia-smi gave no answer within 0.3 s"),
        ({"nvidia_smi": GPU}, "no CUDA compiler: NVIDIA H200 is here, but nvcc is not on PATH"),
    ],
)
def test_absent_gpu_has_a_reason(
    tools: dict[str, str],
    says: str,
    toy: Assignment,
    machine: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is missing is told apart: driver, device, or compiler."""
    if "sleep" in str(tools):
        monkeypatch.setattr(devices, "_PATIENCE", 0.3)
        tools = {"nvidia_smi": "PATH=/usr/bin:/bin exec sleep 600"}
    machine(**tools)
    assert says in str(devices.present(toy, "gpu"))


def test_unknown_architecture_is_left_to_the_compiler(machine: Callable[..., None]) -> None:
    """An old driver that does not know the question gives no answer, and no nonsense."""
    machine(nvidia_smi='case "$1" in *compute_cap*) echo "Field is not valid"; exit 2;; esac')
    assert devices.cuda_architectures() == ()


def test_unknown_device_is_bad_usage(toy: Assignment) -> None:
    """A device that the assignment does not have is the caller's slip."""
    with pytest.raises(UsageError, match=r"--device has value 'tpu'; expected one of: cpu, gpu"):
        devices.present(toy, "tpu")
