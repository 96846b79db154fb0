"""Which devices of an assignment this machine has. The trusted parent asks here, never the submission.

A device needs something of the machine only where its module is compiled from CUDA: a GPU and nvcc; or, where it
simulates such a device on the CPU, the C++ compiler that every build needs.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import toolchain
from grader.assignment import AUTO, Assignment
from grader.checks import refuse_unknown
from grader.errors import UsageError

# What is compiled for where the GPU does not say what it is: since Turing, which CUDA 13 begins with, and intermediate
# code ("90" without "-real") for what is newer.
SOME_GPUS = ("75-real", "80-real", "86-real", "89-real", "90")
# Where the driver puts it under WSL, whose PATH does not always have that folder.
_WSL_NVIDIA_SMI = "/usr/lib/wsl/lib/nvidia-smi"
_PATIENCE = 20  # seconds for nvidia-smi: it takes 2 s where the driver must wake up, and for ever where it hangs


@dataclass(frozen=True)
class Gpus:
    """The NVIDIA GPUs of this machine."""

    names: tuple[str, ...]  # "NVIDIA H200"; empty where there is none
    driver: str  # its version; "" where there is none
    why_none: str | None  # a clause why there is none

    installed: bool = True  # whether nvidia-smi, and so a driver, is there

    @property
    def found(self) -> bool:
        """Whether there is at least one."""
        return bool(self.names)


def present(assignment: Assignment, device: str) -> str | None:
    """None where `device` can be used on this machine, else a sentence why not.

    Raises UsageError for a device that the assignment does not know.
    """
    _check_known(assignment, device)
    if device in assignment.devices.simulates:
        return None if toolchain.cxx_compiler() else "no C++ compiler, which runs CUDA on the CPU"
    if not on_gpu(assignment, device):
        return None
    gpus = nvidia_gpus()
    if not gpus.found:
        return f"no NVIDIA GPU: {gpus.why_none}"
    if cuda_compiler() is None:
        return f"no CUDA compiler: {gpus.names[0]} is here, but nvcc is not on PATH"
    return None


def on_gpu(assignment: Assignment, device: str) -> bool:
    """Whether the device is a GPU: its module is compiled from CUDA, and nothing simulates it."""
    if device in assignment.devices.simulates:
        return False
    return is_cuda(assignment.layout.modules.get(assignment.devices.module(device), ""))


def choose(assignment: Assignment, asked: Sequence[str]) -> tuple[str, ...]:
    """The devices that `asked` (values of --device) names, each once; those graded where it names none.

    "auto" is those graded, but what simulates a device in the place of one that is not here. See `check_choice`.
    """
    graded = assignment.devices.graded
    chosen: list[str] = []
    for device in asked or graded:
        if device == AUTO:
            chosen += [_stand_in(assignment, real) or real for real in graded]
        else:
            chosen.append(device)
    return tuple(dict.fromkeys(chosen))


def explain(assignment: Assignment, asked: Sequence[str]) -> list[str]:
    """What "auto" among the values of --device came to, a sentence for each device that another one stands in for."""
    if AUTO not in asked:
        return []
    pairs = [(real, _stand_in(assignment, real)) for real in assignment.devices.graded]
    return [f"{other} stands in for {real}: {present(assignment, real)}" for real, other in pairs if other]


def absence(assignment: Assignment, device: str) -> str | None:
    """As `present`, for a person who can choose: with the device that runs the same cases here, if there is one."""
    lacks, other = present(assignment, device), _stand_in(assignment, device)
    return f"{lacks}; `--device {other}` runs its code on the CPU" if other else lacks


def check_choice(assignment: Assignment, chosen: Sequence[str], checks: Sequence[str]) -> None:
    """Raises UsageError for a device that is none, and for a value of --check that is none or that none can heed."""
    for device in chosen:
        _check_known(assignment, device)
    simulators = assignment.devices.simulates
    refuse_unknown(checks)
    for check in checks:
        if not simulators:
            raise UsageError(f"--check has value {check!r}, but no device of {assignment.name} is simulated.")
        if not set(simulators) & set(chosen):
            raise UsageError(
                f"--check has value {check!r}, but only simulated devices are checked; "
                f"name one: `--device {next(iter(simulators))}`."
            )


def check_one_build(assignment: Assignment, chosen: Sequence[str]) -> None:
    """Raises UsageError where two of the devices need two builds of a module: one process can load only one."""
    for simulator, real in assignment.devices.simulates.items():
        if simulator in chosen and real in chosen:
            raise UsageError(
                f"--isolation none cannot have {real} and {simulator} in one process, which are two builds of one "
                "module; name one of them with --device."
            )


def _stand_in(assignment: Assignment, device: str) -> str | None:
    """What simulates a device that is not here, if that is; else None."""
    if present(assignment, device) is None:
        return None
    simulators = [simulator for simulator, real in assignment.devices.simulates.items() if real == device]
    return next((simulator for simulator in simulators if present(assignment, simulator) is None), None)


def _check_known(assignment: Assignment, device: str) -> None:
    known = assignment.devices.known
    if device not in known:
        values = [*known, AUTO] if assignment.devices.simulates else known
        raise UsageError(f"--device has value {device!r}; expected one of: {', '.join(values)}.")


def is_cuda(source: str) -> bool:
    """Whether a source file is CUDA's."""
    return source.endswith(".cu")


def cuda_compiler() -> str | None:
    """The CUDA compiler: what CUDACXX names (cmake's variable), else nvcc on PATH; None where there is none."""
    return shutil.which(os.environ.get("CUDACXX") or "nvcc")


@functools.cache
def nvidia_gpus() -> Gpus:
    """What the driver reports, asked once a process."""
    tool = _nvidia_smi()
    if tool is None:
        return Gpus((), "", "nvidia-smi is not there, so no driver is installed", installed=False)
    status, text = _ask(tool, "name,driver_version")
    rows = [[field.strip() for field in line.split(",")] for line in text.splitlines() if line.strip()]
    if status is None:
        return Gpus((), "", f"nvidia-smi gave no answer within {_PATIENCE} s")
    if status != 0:
        return Gpus((), "", f"nvidia-smi reports no device ({' '.join(text.split())[:200] or f'exit status {status}'})")
    if not rows or any(len(row) != 2 for row in rows):
        return Gpus((), "", "nvidia-smi reports no device")
    return Gpus(tuple(row[0] for row in rows), rows[0][1], None)


@functools.cache
def cuda_architectures() -> tuple[str, ...]:
    """What to compile CUDA for, as cmake writes it: the GPUs that are here, or else `SOME_GPUS`.

    A GPU that is newer than the compiler gets the newest intermediate code that the compiler knows ("90-virtual"),
    which the driver translates when the module is loaded.
    """
    known = _compilers_architectures()
    found = [_for_compiler(capability, known) for capability in _capabilities()]
    some = [item for item in SOME_GPUS if not known or int(item.partition("-")[0]) in known]
    return tuple(sorted(set(found or some)))


def _for_compiler(capability: int, known: frozenset[int]) -> str:
    older = [item for item in known if item <= capability]
    return f"{capability}-real" if capability in known or not older else f"{max(older)}-virtual"


def _capabilities() -> list[int]:
    """The GPUs' compute capabilities, 9.0 as 90; empty where they are not known."""
    tool = _nvidia_smi()
    status, text = _ask(tool, "compute_cap") if tool else (None, "")
    found = [line.strip().replace(".", "") for line in text.splitlines() if line.strip()] if status == 0 else []
    return [int(item) for item in found] if all(item.isdigit() for item in found) else []


def _compilers_architectures() -> frozenset[int]:
    """What the CUDA compiler can compile for; empty where it does not say (before CUDA 11)."""
    compiler = cuda_compiler()
    if compiler is None:
        return frozenset()
    try:
        done = subprocess.run(
            [compiler, "--list-gpu-arch"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    words = done.stdout.decode("utf-8", "replace").split()
    return frozenset(int(n) for word in words if (n := word.removeprefix("compute_")).isdigit())


def _nvidia_smi() -> str | None:
    return shutil.which("nvidia-smi") or (_WSL_NVIDIA_SMI if Path(_WSL_NVIDIA_SMI).exists() else None)


def _ask(tool: str, fields: str) -> tuple[int | None, str]:
    """Exit status (None: no answer) and output of a query."""
    try:
        done = subprocess.run(
            [tool, f"--query-gpu={fields}", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, ""
    except OSError as error:  # there, but not to be run: another machine's, or no right to
        return 127, str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace")
