"""The trees' CUDA sources under a real nvcc: what cuda-sim accepts must be CUDA, too."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

import pytest

from grader.devices import cuda_compiler
from grader.judge import ROOT
from grader.toolchain import version_text

WARNINGS = ["-Werror", "all-warnings", "-Xcompiler=-Wall,-Wextra,-Werror"]


@functools.cache
def compilers() -> dict[str, str]:
    """Every CUDA compiler of this machine, by its release: the one on PATH, and those in the toolkit's usual places."""
    found = [cuda_compiler(), *map(str, sorted(Path("/usr/local").glob("cuda-*/bin/nvcc")))]
    return {version_text(nvcc).partition("release ")[2].partition(",")[0]: nvcc for nvcc in filter(None, found)}


@pytest.mark.parametrize("tree", ["reference", "student"])
def test_kernels_compile_without_a_warning(tree: str, tmp_path: Path) -> None:
    """The kernels of both trees, the stubs too, are clean CUDA C++17 under each nvcc that is here."""
    if not compilers():
        pytest.skip("no nvcc is here")
    for release, nvcc in compilers().items():
        source = ROOT / tree / "src" / "ndarray_backend_cuda.cu"
        command = [nvcc, "-arch=sm_80", "-std=c++17", *WARNINGS, "-c", "-o", str(tmp_path / "kernels.o"), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), f"CUDA {release}"
