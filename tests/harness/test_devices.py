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
    assert devices.cuda_architectures() == ("86-real", "90-real")


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


NVCC = "echo compute_80; echo compute_86; echo compute_90; echo compute_90a"


@pytest.mark.parametrize(
    ("capabilities", "architectures"),
    [
        ("8.6", ("86-real",)),
        ("12.0", ("90-virtual",)),
        ("8.9", ("86-virtual",)),
        ("7.0", ("70-real",)),  # too old for this compiler, which will say so
    ],
)
def test_cuda_is_compiled_for_the_gpu(
    capabilities: str, architectures: tuple[str, ...], machine: Callable[..., None]
) -> None:
    """For exactly the GPU that is here; for one that is newer than the compiler, what the driver can translate."""
    machine(nvidia_smi=f"echo {capabilities}", nvcc=NVCC)
    assert devices.cuda_architectures() == architectures


@pytest.mark.parametrize(
    "nvidia_smi",
    ['case "$1" in *compute_cap*) echo "Field is not valid"; exit 2;; esac', "echo what", "exit 9"],
    ids=["an old driver", "no number", "no device"],
)
def test_unknown_gpu_gets_a_stated_list(nvidia_smi: str, machine: Callable[..., None]) -> None:
    """A driver that does not know the question gives no answer, and no nonsense; what nvcc cannot do is left out."""
    machine(nvidia_smi=nvidia_smi, nvcc=NVCC)
    assert devices.cuda_architectures() == ("80-real", "86-real", "90")


def test_stated_list_needs_no_tools(machine: Callable[..., None]) -> None:
    """Where neither driver nor compiler can be asked, all of the list."""
    machine()
    assert devices.cuda_architectures() == devices.SOME_GPUS


def test_unknown_device_is_bad_usage(toy: Assignment) -> None:
    """A device that the assignment does not have is the caller's slip."""
    with pytest.raises(UsageError, match=r"--device has value 'tpu'; expected one of: cpu, gpu"):
        devices.present(toy, "tpu")


# -- devices that are simulated --


def test_simulated_device_needs_a_compiler_only(
    simulating: Assignment, machine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there wherever C++ can be compiled, and says so where it is not."""
    monkeypatch.delenv("CXX", raising=False)
    machine()
    assert devices.present(simulating, "gpu-sim") == "no C++ compiler, which runs CUDA on the CPU"
    machine(cxx="true")
    monkeypatch.setenv("CXX", "cxx")
    assert devices.present(simulating, "gpu-sim") is None


def test_only_what_nothing_simulates_is_on_the_gpu(simulating: Assignment) -> None:
    """A simulated device has the same module, and still its memory is the host's."""
    on_gpu = [device for device in simulating.devices.known if devices.on_gpu(simulating, device)]
    assert on_gpu == ["gpu"]


@pytest.mark.parametrize(
    ("asked", "with_gpu", "without"),
    [
        ([], ("cpu", "gpu"), ("cpu", "gpu")),
        (["auto"], ("cpu", "gpu"), ("cpu", "gpu-sim")),
        (["gpu", "gpu", "cpu"], ("gpu", "cpu"), ("gpu", "cpu")),
        (["gpu-sim", "auto"], ("gpu-sim", "cpu", "gpu"), ("gpu-sim", "cpu")),
    ],
    ids=["none", "auto", "twice", "auto and more"],
)
def test_auto_puts_a_simulator_in_the_place_of_what_is_absent(
    asked: list[str],
    with_gpu: tuple[str, ...],
    without: tuple[str, ...],
    simulating: Assignment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only "auto" does, and it says for what and why; the default grades what is graded."""
    monkeypatch.setattr(devices, "cuda_compiler", lambda: "nvcc")
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: devices.Gpus(("H200",), "570.1", None))
    assert devices.choose(simulating, asked) == with_gpu
    assert devices.explain(simulating, asked) == []
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: devices.Gpus((), "", "none here"))
    assert devices.choose(simulating, asked) == without
    sentences = ["gpu-sim stands in for gpu: no NVIDIA GPU: none here"] if "auto" in asked else []
    assert devices.explain(simulating, asked) == sentences


def test_absent_device_names_the_one_that_simulates_it(
    simulating: Assignment, toy: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who graded without a GPU learns what to do; where nothing simulates it, only why."""
    monkeypatch.setattr(devices, "nvidia_gpus", lambda: devices.Gpus((), "", "none here"))
    reason = "no NVIDIA GPU: none here"
    assert devices.absence(simulating, "gpu") == f"{reason}; `--device gpu-sim` runs its code on the CPU"
    assert devices.absence(toy, "gpu") == reason
    assert devices.absence(simulating, "cpu") is None


def test_auto_without_simulators_is_what_is_graded(toy: Assignment) -> None:
    """Where nothing simulates, "auto" changes nothing."""
    assert devices.choose(toy, ["auto"]) == ("cpu", "gpu")


@pytest.mark.parametrize(
    ("chosen", "checks", "sentence"),
    [
        (["tpu"], [], "--device has value 'tpu'; expected one of: cpu, gpu, gpu-sim, auto."),
        (["gpu-sim"], ["memory", "speed"], "--check has value 'speed'; expected one of: memory, race."),
        (["cpu", "gpu"], ["race"], "--check has value 'race', but only simulated devices are checked; name one: "),
    ],
    ids=["device", "check", "nothing to check"],
)
def test_bad_choice_is_one_sentence(
    chosen: list[str], checks: list[str], sentence: str, simulating: Assignment
) -> None:
    """What is not there is named with what is, and a check that nothing would heed is not passed over in silence."""
    with pytest.raises(UsageError) as caught:
        devices.check_choice(simulating, chosen, checks)
    assert str(caught.value).startswith(sentence)


def test_check_without_simulators_is_refused(toy: Assignment) -> None:
    """The sentence does not offer what the assignment does not have."""
    with pytest.raises(UsageError, match="--check has value 'race', but no device of toy is simulated"):
        devices.check_choice(toy, ["cpu"], ["race"])


def test_good_choice_passes(simulating: Assignment) -> None:
    """Devices that are known, checks that are heeded."""
    devices.check_choice(simulating, ["cpu", "gpu-sim"], ["memory", "race"])
    devices.check_one_build(simulating, ["cpu", "gpu-sim"])


def test_one_process_has_one_build_of_a_module(simulating: Assignment) -> None:
    """In-process, a device and its simulator cannot be had together."""
    with pytest.raises(UsageError, match="--isolation none cannot have gpu and gpu-sim in one process"):
        devices.check_one_build(simulating, ["gpu", "gpu-sim"])
