"""CUDA: a GPU with its driver, a compiler, and what runs without either."""

from __future__ import annotations

import shutil
from pathlib import Path

from grader import devices, remedies, toolchain
from grader.assignment import Assignment
from grader.doctor.findings import Finding

_PCI = Path("/sys/bus/pci/devices")  # Linux's list of what is plugged in, drivers or not


def gpu(assignment: Assignment) -> Finding:
    """A GPU that can be used; where there is none, what is lacking, if anything is."""
    name = "NVIDIA GPU"
    gpus = devices.nvidia_gpus()
    if gpus.found:
        return Finding(name, "ok", f"{', '.join(gpus.names)}; driver {gpus.driver}", "")
    if gpus.installed:
        remedy = "the driver is there but finds no GPU: see what `nvidia-smi` says; start a container with `--gpus all`"
        return Finding(name, "warn", f"none: {gpus.why_none}", remedy)
    if plugged_in():
        return Finding(name, "warn", f"there is one, but no driver: {gpus.why_none}", remedies.remedy("NVIDIA driver"))
    simulators = ", ".join(f"--device {device}" for device in assignment.devices.simulates)
    instead = f"; `{simulators}` runs its cases on the CPU" if simulators else ""
    if devices.cuda_compiler():
        remedy = f"nothing, where there is no GPU; where there is one, its driver: {remedies.remedy('NVIDIA driver')}"
        return Finding(name, "warn", f"a CUDA compiler is here, but no driver{instead}", remedy)
    return Finding(name, "ok", f"none, and none is needed{instead}", "")


def plugged_in() -> bool:
    """Whether the machine has an NVIDIA display or compute device, as far as Linux can tell."""
    for device in _PCI.glob("*"):
        try:
            vendor, kind = (device / "vendor").read_text().strip(), (device / "class").read_text().strip()
        except OSError:  # gone meanwhile, or not ours to read
            continue
        if vendor == "0x10de" and kind.startswith("0x03"):
            return True
    return False


def nvcc() -> Finding:
    """A compiler for CUDA, where there is a GPU for it."""
    compiler = devices.cuda_compiler()
    if compiler is None:
        if not devices.nvidia_gpus().found:
            return Finding("CUDA compiler", "ok", "none, and no GPU that needs one", "")
        remedy = f"{remedies.remedy('CUDA toolkit')}, and nvcc on PATH (it may be in /usr/local/cuda/bin already)"
        return Finding("CUDA compiler", "warn", "none: nvcc is not on PATH", remedy)
    lines = toolchain.version_text(compiler).splitlines()
    release = next((line.strip() for line in lines if "release" in line), "of unknown version")
    if not lines:
        return Finding("CUDA compiler", "warn", f"{compiler} does not run", "install CUDA's toolkit anew")
    return Finding("CUDA compiler", "ok", f"{release} at {compiler}", "")


def simulated(assignment: Assignment, device: str) -> Finding:
    """Whether CUDA can be run on the CPU, and whether what it finds there can be told with its line."""
    if lacks := devices.present(assignment, device):
        return Finding(device, "missing", lacks, toolchain.REMEDIES["C++ compiler"])
    found = f"runs the .cu file of {assignment.devices.simulates[device]} on the CPU"
    if shutil.which("addr2line") is None:
        told = f"{found}; without addr2line, `--check memory` names no lines"
        return Finding(device, "warn", told, remedies.remedy("addr2line"))
    return Finding(device, "ok", found, "")
