"""Which devices of an assignment this machine has. The trusted parent asks here, never the submission."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Assignment
from grader.errors import UsageError

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

    Only a device whose module is compiled from CUDA needs anything of the machine. Raises UsageError for a device that
    the assignment does not know.
    """
    if device not in assignment.devices.known:
        known = ", ".join(assignment.devices.known)
        raise UsageError(f"--device has value {device!r}; expected one of: {known}.")
    module = assignment.devices.needs.get(device, "")
    if not is_cuda(assignment.layout.modules.get(module, "")):
        return None
    gpus = nvidia_gpus()
    if not gpus.found:
        return f"no NVIDIA GPU: {gpus.why_none}"
    if cuda_compiler() is None:
        return f"no CUDA compiler: {gpus.names[0]} is here, but nvcc is not on PATH"
    return None


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
    """The GPUs' compute capabilities as cmake writes them ("90"), sorted; empty where they are not known."""
    tool = _nvidia_smi()
    if tool is None:
        return ()
    status, text = _ask(tool, "compute_cap")
    if status != 0:
        return ()
    found = {line.strip().replace(".", "") for line in text.splitlines() if line.strip()}
    return tuple(sorted(found)) if all(item.isdigit() for item in found) else ()


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
